#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What each part of siren and of the factored model is worth on a data set, by validation ratings alone.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() {
  cat <<'TEXT'
usage: launch/ablations.sh [options] OUT DATA.h5 [DATA.h5 ...]
  --models NAME,NAME      siren (preset fast), factored; default: both
  --seeds [NAME=]N,N      of all data sets, or of the one called NAME (NAME.h5); repeatable; default: 1
  --folds [NAME=]K,K      likewise; default: 1
  --set OPTION=VALUE      of siren train, for every run that does not vary it; repeatable
  --threads N, --ranks N  of each run; default: this machine's CPUs, one rank; more ranks start by mpirun
  --submit                train in SLURM jobs, by launch/siren-cv.sbatch, without --threads and --ranks; options of
                          sbatch are $SIREN_SBATCH
  --python PYTHON         with numpy and h5py; default: python3
  --help                  this text
Varied one by one: training without dislikes; attention and c of siren; kappa, eta, lambda and the polarity branch of
the factored model; layers, columns, the graph's norm and the offset of both. OUT gets ablations.csv and ablations.md.
Killed or stopped, the same command goes on. The program is build/release/siren, or $SIREN; mpirun and its options are
$SIREN_MPIEXEC, which ends in -n: the number of ranks follows it.
TEXT
}

# shellcheck source=launch/benchmark_python.sh
. "$here/benchmark_python.sh"
run_in_python ablations.py "$@"
