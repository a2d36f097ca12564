#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Several hosts on one machine: each has its own network namespace, joined by a bridge. mpirun inside COMMAND reaches them.
# Needs root. Everything lives in namespaces of one process and goes with it; files are written to DIR only.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() {
  cat <<'TEXT'
usage: cluster/hosts.sh [options] DIR HOSTS COMMAND...
  DIR            is emptied and made anew; inside COMMAND it is $HOSTS_DIR
  HOSTS          how many: n1, n2, ...; COMMAND runs on another one, called head
  --rate RATE    limits what each host may send, as tc writes it: 200mbit, 1gbit (default: no limit)
  --slots N      ranks that $HOSTS_DIR/hostfile offers on each host (default 2)
  --help         this text
Example: sudo cluster/hosts.sh --rate 1gbit /tmp/hosts 2 sh -c 'mpirun --hostfile $HOSTS_DIR/hostfile -n 4 hostname'
TEXT
}

fail() {
  echo "cluster/hosts.sh: $*" >&2
  exit 2
}

rate="" slots=2 words=("$@")
while [ $# -gt 0 ]; do
  case $1 in
    --rate | --slots)
      [ $# -ge 2 ] || fail "$1 needs a value"
      declare "${1#--}=$2"
      shift 2
      ;;
    --help)
      usage
      exit 0
      ;;
    -*) fail "unknown option $1; see cluster/hosts.sh --help" ;;
    *) break ;;
  esac
done
[ $# -ge 3 ] || fail "three arguments are needed: DIR HOSTS COMMAND; see cluster/hosts.sh --help"
dir=$(realpath -m "$1") hosts=$2
[[ $hosts =~ ^[1-9][0-9]?$ ]] || fail "HOSTS is $hosts: expected a number from 1 to 99"
case $dir in /run/* | /dev/* | /proc/* | / | "$HOME") fail "DIR cannot be $dir: name a new directory, for example in /tmp" ;; esac

# Outside: a process whose death, however it comes, takes everything with it. (unshare itself ignores SIGTERM.)
if [ -z "${HOSTS_DIR:-}" ]; then
  [ "$(id -u)" = 0 ] || fail "network namespaces need root; cluster/up.sh --one-host does without"
  if [ -e "$dir" ] && [ ! -e "$dir/hostfile" ] && [ -n "$(ls -A "$dir")" ]; then
    fail "$dir is not empty and was not made by this script; name another directory"
  fi
  HOSTS_DIR=$dir env --default-signal=INT,QUIT setpriv --pdeathsig KILL unshare --net --mount --uts --ipc --pid --fork \
    --kill-child --mount-proc --propagation private "${BASH_SOURCE[0]}" "${words[@]}" <&0 &
  inside=$!
  trap 'kill -KILL $inside' INT TERM HUP
  code=0
  wait "$inside" || code=$?
  exit "$code"
fi

# Inside: the head's namespaces.
shift 2
rm -rf "$dir"
mkdir -p "$dir/tmp"
chmod 755 "$dir"
hostname head
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /dev/shm
mkdir -p /run/netns
ip link set lo up
ip link add bridge0 type bridge
ip addr add 10.77.0.254/24 dev bridge0
ip link set bridge0 up
printf '127.0.0.1 localhost\n10.77.0.254 head\n' >"$dir/hosts"
# A limited link forwards one frame at once and no more, or it would make up for idle times. Frames are large, for
# every one costs the cores that are to compute; the faster the link, the more of them there are.
frame=9000 burst=10kb
case $rate in *mbit) frame=4500 burst=5kb ;; esac
for i in $(seq "$hosts"); do
  ip netns add "n$i"
  ip link add "v$i" type veth peer name eth0 netns "n$i"
  ip link set "v$i" mtu "$frame" master bridge0 up
  ip -n "n$i" addr add "10.77.0.$i/24" dev eth0
  ip -n "n$i" link set eth0 mtu "$frame" up
  ip -n "n$i" link set lo up
  [ -z "$rate" ] || tc -n "n$i" qdisc add dev eth0 root tbf rate "$rate" burst "$burst" latency 50ms
  echo "10.77.0.$i n$i" >>"$dir/hosts"
  echo "n$i slots=$slots" >>"$dir/hostfile"
done
mount --bind "$dir/hosts" /etc/hosts # in this mount namespace: the machine's own file stays as it is

export TMPDIR=$dir/tmp
export SIREN_OVERSUBSCRIBED=1 # hosts share the machine's cores, and no launcher can see that
export OMPI_MCA_plm_rsh_agent=$here/on-host.sh OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_mpi_yield_when_idle=1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
code=0
"$@" || code=$?
exit "$code"
