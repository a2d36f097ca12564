# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by siren.sbatch, siren-array.sbatch, siren-cv.sbatch and run-mpirun.sh: where the ranks go, how they are started and sent
# signals, and whether a batch job comes back. What can be set from outside, as environment variables:
#
#   SIREN                  the program (default: build/release/siren of this source tree)
#   SIREN_LAUNCHER         srun (default: every signal reaches every rank, exit codes come at once) or mpirun (for a SLURM without
#                          PMIx; notices a lost host sooner, but takes twice SIREN_SAVE_SECONDS to end with a code that is not 0)
#   SIREN_SAVE_SECONDS     that mpirun leaves its ranks between SIGTERM and SIGKILL (default 20)
#   SIREN_RANKS_PER_NODE   default: the job's tasks per node, else one for each NUMA domain of a node
#   SIREN_THREADS          of a rank; default: the job's CPUs per task, else the node's cores divided by its ranks
#   SIREN_OVERSUBSCRIBED   1: the cores are shared with somebody whom the launcher cannot see; nothing is bound, waiting ranks yield
#   SIREN_HOSTFILE         for mpirun without SLURM
#   SIREN_MAX_RESTARTS     how often a batch job brings itself back (default 100), and how often in a row after a failure: 3

readonly kDone=0 kWrongInput=2 kInterrupted=3 kFailuresInARow=3
source_tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
siren=${SIREN:-$source_tree/build/release/siren}

give_up() {
  echo "${0##*/}: $*" >&2
  exit "$kWrongInput"
}

# CPU,core,NUMA domain of each CPU that this process may use.
usable_cpus() {
  lscpu --parse=CPU,CORE,NODE | awk -F, -v allowed="$(awk '/^Cpus_allowed_list/ { print $2 }' /proc/self/status)" '
    BEGIN {
      count = split(allowed, ranges, ",")
      for (i = 1; i <= count; i++) {
        ends = split(ranges[i], range, "-")
        for (cpu = range[1]; cpu <= range[ends]; cpu++) usable[cpu] = 1
      }
    }
    !/^#/ && ($1 in usable)'
}

count_distinct() { cut -d, -f"$1" | sort -u | wc -l; }

# Sets nodes, ranks_per_node, ranks, threads, binding and launcher (an array). This node stands for all.
choose_layout() {
  [ -x "$siren" ] || give_up "no program at $siren; build it (README.md) or set SIREN"
  local table
  table=$(usable_cpus)
  cpus=$(count_distinct 1 <<<"$table") cores=$(count_distinct 2 <<<"$table") domains=$(count_distinct 3 <<<"$table")
  nodes=${SLURM_JOB_NUM_NODES:-1}
  [ -z "${SIREN_HOSTFILE:-}" ] || nodes=$(awk '!/^#/ && NF { print $1 }' "$SIREN_HOSTFILE" | sort -u | wc -l)
  ranks_per_node=${SIREN_RANKS_PER_NODE:-${SLURM_NTASKS_PER_NODE:-$domains}}
  ranks=$((nodes * ranks_per_node))
  threads=${SIREN_THREADS:-${SLURM_CPUS_PER_TASK:-$((cores / ranks_per_node))}}
  [ "$threads" -ge 1 ] || threads=1
  local wanted=$((ranks_per_node * threads))
  if [ "${SIREN_OVERSUBSCRIBED:-0}" = 1 ] || [ "$wanted" -gt "$cpus" ]; then
    binding=none
  elif [ "$wanted" -gt "$cores" ]; then
    binding=hwthread
  else
    binding=core
  fi
  case ${SIREN_LAUNCHER:-srun} in
    mpirun) use_mpirun ;;
    srun) use_srun ;;
    *) give_up "SIREN_LAUNCHER is $SIREN_LAUNCHER: expected mpirun or srun" ;;
  esac
  export OMP_NUM_THREADS=$threads
  echo "layout: $nodes node(s) x $ranks_per_node rank(s) x $threads thread(s), started by ${launcher[0]};" \
    "a node has $domains NUMA domain(s), $cores core(s), $cpus CPU(s) for us; $(binding_in_words)"
}

binding_in_words() {
  if [ "$binding" = none ]; then
    echo "nothing is bound and waiting ranks yield, for cores are shared"
  else
    echo "a rank is bound to its $threads ${binding/hwthread/hardware thread}(s)"
  fi
}

# Open MPI kills its ranks 1 s after SIGTERM unless told otherwise, and takes minutes to notice a host that fell silent.
use_mpirun() {
  command -v mpirun >/dev/null || give_up "no mpirun in PATH; load the MPI that siren was built with"
  local object=node each=$ranks_per_node
  if [ "$domains" -gt 1 ] && [ $((ranks_per_node % domains)) = 0 ]; then object=numa each=$((ranks_per_node / domains)); fi
  launcher=(mpirun -n "$ranks" -x OMP_NUM_THREADS --mca odls_base_sigkill_timeout "${SIREN_SAVE_SECONDS:-20}"
    --mca oob_tcp_keepalive_time 4 --mca oob_tcp_keepalive_intvl 1 --mca oob_tcp_keepalive_probes 3)
  case $binding in
    none) launcher+=(--map-by "ppr:$ranks_per_node:node:OVERSUBSCRIBE" --bind-to none --mca mpi_yield_when_idle 1) ;;
    hwthread) launcher+=(--use-hwthread-cpus --map-by "ppr:$each:$object:PE=$threads" --bind-to hwthread) ;;
    core) launcher+=(--map-by "ppr:$each:$object:PE=$threads" --bind-to core) ;;
  esac
  [ -z "${SIREN_HOSTFILE:-}" ] || launcher+=(--hostfile "$SIREN_HOSTFILE")
}

use_srun() {
  [ -n "${SLURM_JOB_ID:-}" ] || give_up "SIREN_LAUNCHER=srun works inside a SLURM job only"
  srun --mpi=list 2>&1 | grep -q pmix || give_up "this SLURM has no PMIx (srun --mpi=list); use SIREN_LAUNCHER=mpirun"
  launcher=(srun --mpi=pmix --kill-on-bad-exit=1 --nodes="$nodes" --ntasks="$ranks" --ntasks-per-node="$ranks_per_node"
    --cpus-per-task="$threads")
  case $binding in
    none)
      launcher+=(--cpu-bind=none --overcommit)
      export OMPI_MCA_mpi_yield_when_idle=1
      ;;
    hwthread) launcher+=(--cpu-bind=threads) ;;
    core) launcher+=(--cpu-bind=cores) ;;
  esac
}

# Sent on as SIGUSR1 even if it was SIGTERM: both launchers hand SIGUSR1 to every rank and then wait, whereas at SIGTERM they
# begin to kill.
forward_signal() {
  signalled=yes interrupted=yes
  [ -z "${program:-}" ] || kill -USR1 "$program" 2>/dev/null
}

# train RUN_DIR OPTION...: begins or continues the run, or the search of --preset best for it.
train() {
  local run=$1 resume=()
  shift
  if [ -f "$run/config.ini" ] || [ -f "$run/stages/request.ini" ]; then resume=(--resume); fi
  on_all_ranks "$run" train --run "$run" "${resume[@]}" "$@"
}

# cross_validate OUT_DIR OPTION...: begins or continues the runs; one node is one group unless --groups is given.
cross_validate() {
  local out=$1 groups=(--groups "$nodes")
  shift
  case " $* " in *" --groups "* | *" --groups="*) groups=() ;; esac
  on_all_ranks "$out" cv --output "$out" "${groups[@]}" "$@"
}

# on_all_ranks DIR COMMAND OPTION...: `siren COMMAND` on the ranks of the layout; sets code. A batch job has a signal before its end,
# and nobody but this shell gets it.
on_all_ranks() {
  local run=$1 passed_threads=(--threads "$threads")
  shift
  case " $* " in *" --threads "* | *" --threads="*) passed_threads=() ;; esac
  signalled=no program=""
  trap forward_signal USR1 TERM
  "${launcher[@]}" "$siren" "$@" "${passed_threads[@]}" &
  program=$!
  [ "$signalled" = no ] || kill -USR1 "$program"
  interrupted=yes
  while [ "$interrupted" = yes ]; do # a signal ends wait early, with a code of its own
    interrupted=no code=0
    wait "$program" || code=$?
  done
  [ ! -d "$run" ] || printf '%s job %s restart %s on %s: exit code %s\n' "$(date +%FT%T)" "${SLURM_JOB_ID:--}" \
    "${SLURM_RESTART_COUNT:-0}" "${SLURM_JOB_NODELIST:-$(hostname)}" "$code" >>"$run/starts.txt"
}

# Starts that failed since one that saved and left in good order.
failures_in_a_row() {
  if [ -f "$1/starts.txt" ]; then
    awk '{ failures = $NF == '"$kInterrupted"' ? 0 : failures + 1 } END { print failures + 0 }' "$1/starts.txt"
  else
    echo $((${SLURM_RESTART_COUNT:-0} + 1))
  fi
}

# come_back RUN_DIR: after train or cross_validate, puts this job back into the queue unless the run is done, the input is wrong, somebody cancelled
# the job, or it failed too often. Returns if it does not.
come_back() {
  local state restarts=${SLURM_RESTART_COUNT:-0} failures=0
  case $code in "$kDone" | "$kWrongInput") return 0 ;; esac
  [ "$code" = "$kInterrupted" ] || failures=$(failures_in_a_row "$1")
  state=$(squeue -h -j "$SLURM_JOB_ID" -o %T)
  if [ "$state" != RUNNING ]; then
    echo "exit code $code; SLURM is ending this job ($state): what becomes of it is up to SLURM"
  elif [ "$failures" -ge "$kFailuresInARow" ]; then
    echo "exit code $code, $failures failures in a row: this job does not come back; submit it again to continue the run"
  elif [ "$restarts" -ge "${SIREN_MAX_RESTARTS:-100}" ]; then
    echo "exit code $code after $restarts restarts: this job does not come back; submit it again to continue the run"
  else
    echo "exit code $code: back into the queue, restart $((restarts + 1))"
    # This ends the script by SIGTERM, a moment later.
    if scontrol requeue "$SLURM_JOB_ID"; then
      trap - USR1 TERM
      sleep 60
    fi
  fi
}
