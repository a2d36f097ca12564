#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A real SLURM cluster on one machine for as long as COMMAND runs: munged, slurmctld and a slurmd for each node.
# As root each node is a host of cluster/hosts.sh; otherwise all nodes share this host. Files are written to DIR only.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export PATH=$PATH:/usr/sbin:/sbin

usage() {
  cat <<'TEXT'
usage: cluster/up.sh [options] DIR NODES COMMAND...
  DIR          is emptied and made anew: configuration, logs, state; inside COMMAND it is $CLUSTER_DIR
  NODES        how many: n1, n2, ..., two CPUs each; partitions main (default) and high (preempts main)
  --one-host   all nodes on this host, as for users who are not root: no network between them, no cluster/node.sh
  --help       this text
Examples: sudo cluster/up.sh /tmp/cluster 3 bash          sudo cluster/up.sh /tmp/cluster 3 srun -N 3 hostname
TEXT
}

fail() {
  echo "cluster/up.sh: $*" >&2
  exit "${code:-2}"
}

one_host=no
while [ $# -gt 0 ]; do
  case $1 in
    --one-host) one_host=yes ;;
    --help)
      usage
      exit 0
      ;;
    -*) fail "unknown option $1; see cluster/up.sh --help" ;;
    *) break ;;
  esac
  shift
done
[ $# -ge 3 ] || fail "three arguments are needed: DIR NODES COMMAND; see cluster/up.sh --help"
dir=$(realpath -m "$1") nodes=$2
[[ $nodes =~ ^[1-9][0-9]?$ ]] || fail "NODES is $nodes: expected a number from 1 to 99"
for program in munged slurmctld slurmd srun; do
  command -v "$program" >/dev/null || fail "$program is missing: apt-get install munge slurmctld slurmd slurm-client"
done
[ "$(id -u)" = 0 ] || one_host=yes
if [ "$one_host" = no ] && [ -z "${HOSTS_DIR:-}" ]; then exec "$here/hosts.sh" "$dir" "$nodes" "$here/up.sh" "$@"; fi
shift 2

export CLUSTER_DIR=$dir SLURM_CONF=$dir/slurm.conf
if [ "$one_host" = yes ]; then
  if [ -e "$dir" ] && [ ! -e "$SLURM_CONF" ] && [ -n "$(ls -A "$dir")" ]; then
    fail "$dir is not empty and was not made by this script; name another directory"
  fi
  rm -rf "$dir"
  munge=$dir/munge controller="$(hostname -s)(127.0.0.1)"
  export TMPDIR=$dir/tmp SIREN_OVERSUBSCRIBED=1 OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_hwloc_base_binding_policy=none
  export OMPI_MCA_btl=self,tcp # nodes of one name and one /dev/shm: shared memory files would collide
else
  munge=/run/munge controller="head(10.77.0.254)" # a tmpfs of ours: munged trusts no directory that others may change
fi
mkdir -p "$dir"/{state,spool,log,tmp,nodes} "$munge"
chmod 755 "$dir" "$munge"

# One host has no namespace that would end them all; but every process of ours inherits this mark.
export CLUSTER_MARK=$dir:$$
# shellcheck disable=SC2317 # called by trap
remove_processes() {
  local process again=yes
  trap '' INT TERM HUP
  while [ "$again" = yes ]; do
    again=no
    for process in /proc/[0-9]*; do
      if grep -qzxF "CLUSTER_MARK=$CLUSTER_MARK" "$process/environ" 2>/dev/null; then
        kill -KILL "${process#/proc/}" 2>/dev/null && again=yes
      fi
    done
  done
}
if [ "$one_host" = yes ]; then
  trap remove_processes EXIT
  trap 'exit 143' INT TERM HUP
fi

node_lines() {
  local what="CPUs=2 Sockets=1 CoresPerSocket=2 ThreadsPerCore=1 RealMemory=2000" i
  for i in $(seq "$nodes"); do
    if [ "$one_host" = yes ]; then
      echo "NodeName=n$i NodeHostname=n$i NodeAddr=127.0.0.1 Port=$((17900 + i)) $what"
    else
      echo "NodeName=n$i NodeAddr=n$i $what"
    fi
  done
}

# cred_expire: a requeued job waits that long (the default is 120 s; less than 10 is not heeded).
cat >"$SLURM_CONF" <<CONF
ClusterName=siren
SlurmctldHost=$controller
SlurmctldPort=17817
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthInfo=socket=$munge/socket,cred_expire=10
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool/%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.%n.pid
TmpFS=$dir/tmp/%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$dir/log/jobs
MpiDefault=pmix
EnforcePartLimits=ALL
ReturnToService=2
SlurmdTimeout=10
KillWait=5
SchedulerParameters=bf_interval=1,sched_interval=1,batch_sched_delay=0
PropagateResourceLimits=NONE
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
$(node_lines)
PartitionName=main Nodes=n[1-$nodes] Default=YES MaxTime=UNLIMITED PriorityTier=1 GraceTime=5
PartitionName=high Nodes=n[1-$nodes] MaxTime=UNLIMITED PriorityTier=10 PreemptMode=OFF
CONF

# wait_for SECONDS COMMAND...: until the command succeeds
wait_for() {
  local tries=$(($1 * 20))
  shift
  until "$@"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.05
  done
}
# shellcheck disable=SC2317 # called by wait_for
all_idle() { [ "$(sinfo -h -p main -t idle -o %D 2>/dev/null)" = "$nodes" ]; }

(umask 077 && head -c 128 /dev/urandom >"$munge/key")
munged --foreground --key-file="$munge/key" --socket="$munge/socket" --pid-file="$munge/pid" --seed-file="$munge/seed" \
  --log-file="$dir/log/munged" --num-threads=2 >"$dir/log/munged.out" 2>&1 &
disown
code=1
wait_for 5 test -S "$munge/socket" || fail "munged did not start: $(cat "$dir/log/munged.out")"
slurmctld -D -c >"$dir/log/slurmctld" 2>&1 &
disown
for i in $(seq "$nodes"); do "$here/node.sh" up "n$i"; done
wait_for 20 all_idle || fail "the nodes did not come up; see $dir/log: $(tail -n 3 "$dir/log/slurmctld")"

code=0
"$@" || code=$?
exit "$code"
