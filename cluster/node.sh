#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Trouble for a node of cluster/up.sh, from inside COMMAND.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

if [ $# != 2 ] || [[ ! $2 =~ ^n[0-9]+$ ]]; then
  echo "usage: cluster/node.sh up|down|cut|join NODE
  down   the power fails: every process on the node is gone, its connections are reset
  up     the node is switched on (again)
  cut    its cable is pulled: processes stay, nothing arrives any more, nobody is told
  join   its cable is plugged in again" >&2
  exit 2
fi
[ -n "${CLUSTER_DIR:-}" ] || { echo "cluster/node.sh: works inside cluster/up.sh only" >&2 && exit 2; }
node=$2
case $1 in
  up)
    mkdir -p "$CLUSTER_DIR/spool/$node" "$CLUSTER_DIR/tmp/$node"
    if [ -n "${HOSTS_DIR:-}" ]; then
      "$here/on-host.sh" "$node" "exec slurmd -D -N $node" >>"$CLUSTER_DIR/log/$node" 2>&1 &
    else
      slurmd -D -N "$node" >>"$CLUSTER_DIR/log/$node" 2>&1 &
    fi
    echo $! >"$CLUSTER_DIR/nodes/$node"
    ;;
  down) kill -KILL "$(cat "$CLUSTER_DIR/nodes/$node")" ;;
  cut) ip link set "v${node#n}" down ;;
  join) ip link set "v${node#n}" up ;;
  *) exec "$0" ;;
esac
