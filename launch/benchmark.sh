#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From prepared data to one table of all models, each chosen by validation and read once on the test part.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() {
  cat <<'TEXT'
usage: launch/benchmark.sh [options] OUT DATA.h5 [DATA.h5 ...]
  --models NAME,NAME      default: all: popularity,knn,als,ease,ease-profile,ease-both,mf-bpr,mf-softmax,
                          lightgcn-bpr,lightgcn-softmax,siren-paper,siren-fast,best-likes,best
  --seeds [NAME=]N,N      of all data sets, or of the one called NAME (NAME.h5); repeatable; default: 1
  --folds [NAME=]K,K      likewise; default: 1
  --most-items N          of item-kNN and EASE, whose time grows with the cube and memory with the square; default: 15000
  --set OPTION=VALUE      of siren train, for every trained model, which the tables say; repeatable; not what makes the
                          model or the data: model, loss, no-dislikes, offset, eval-users and the like
  --threads N, --ranks N  of each run; default: this machine's CPUs, one rank; more ranks start by mpirun
  --submit                train in SLURM jobs, by launch/siren-cv.sbatch and launch/siren.sbatch, without --threads and
                          --ranks; options of sbatch are $SIREN_SBATCH; seconds then include waiting in the queue
  --again                 read the test part another time where settings have changed; the table says so
  --python PYTHON         with numpy and h5py, and scipy (item-kNN, EASE) and implicit (ALS); default: python3
  --help                  this text
OUT gets results.csv, results.md and results.html of all that is recorded there. Killed or stopped, the same command
goes on where it was; several starts of it share the work. The program is build/release/siren, or $SIREN; mpirun and
its options are $SIREN_MPIEXEC, which ends in -n: the number of ranks follows it.
Exit codes: 0 done, 2 wrong input, 3 stopped, 1 anything else. More: tests/bench/README.md.
TEXT
}

# shellcheck source=launch/benchmark_python.sh
. "$here/benchmark_python.sh"
run_in_python benchmark.py "$@"
