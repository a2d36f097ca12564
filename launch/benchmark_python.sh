# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by benchmark.sh and ablations.sh, which set here, the folder of this file, and have a function usage.

give_up() {
  echo "${0##*/}: $*" >&2
  exit 2
}

# run_in_python PROGRAM OPTION...: the program of tests/bench, with as many threads in NumPy as in siren.
run_in_python() {
  local program=$1 python=python3 words=()
  OMP_NUM_THREADS=$(nproc)
  shift
  while [ $# -gt 0 ]; do
    case $1 in
      --help)
        usage
        exit 0
        ;;
      --python | --threads)
        [ $# -ge 2 ] || give_up "$1 needs a value"
        set -- "$1=$2" "${@:3}"
        continue
        ;;
      --python=*) python=${1#*=} ;;
      --threads=*) OMP_NUM_THREADS=${1#*=} words+=("$1") ;;
      *) words+=("$1") ;;
    esac
    shift
  done
  "$python" -c 'import numpy, h5py' 2>/dev/null || give_up "$python lacks numpy or h5py; name another by --python"
  export OMP_NUM_THREADS
  exec "$python" "${here:?}/../tests/bench/$program" "${words[@]}"
}
