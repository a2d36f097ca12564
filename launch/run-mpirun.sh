#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A training run by mpirun: on this host, on the hosts of a hostfile, or on the nodes of an interactive SLURM job.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() {
  cat <<'TEXT'
usage: launch/run-mpirun.sh [options] RUN_DIR TRAIN-OPTION...
  --hostfile FILE        hosts to use, one a line: NAME slots=RANKS; without it, this host or the nodes of the SLURM job
  --ranks-per-node N     default: one for each NUMA domain of this host
  --threads N            of a rank; default: this host's cores divided by its ranks
  --help                 this text
Continues the run if RUN_DIR holds one. Exit code 3: stopped early, saved; call again to go on. More: launch/layout.sh.
Example: launch/run-mpirun.sh --hostfile hosts --ranks-per-node 2 runs/a --data d.h5 --epochs 40
TEXT
}

# shellcheck source=launch/layout.sh
. "$here/layout.sh"
while [ $# -gt 0 ]; do
  case $1 in
    --hostfile | --ranks-per-node | --threads)
      [ $# -ge 2 ] || give_up "$1 needs a value"
      name=${1#--} name=${name//-/_}
      export "SIREN_${name^^}=$2"
      shift 2
      ;;
    --help)
      usage
      exit 0
      ;;
    -*) give_up "unknown option $1; see launch/run-mpirun.sh --help" ;;
    *) break ;;
  esac
done
[ $# -ge 1 ] || give_up "name the run directory; see launch/run-mpirun.sh --help"
[ -z "${SIREN_HOSTFILE:-}" ] || [ -r "$SIREN_HOSTFILE" ] || give_up "--hostfile $SIREN_HOSTFILE cannot be read"

SIREN_LAUNCHER=mpirun SIREN_SAVE_SECONDS=${SIREN_SAVE_SECONDS:-5} # no scheduler sends SIGTERM here
choose_layout
launcher=(setsid "${launcher[@]}") # Ctrl-C is for this script, which asks the ranks to save; mpirun would kill them
trap forward_signal INT HUP
train "$@"
exit "$code"
