#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From a bare Debian 12 / Ubuntu 22.04 machine to four trained models and a table that compares them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly OUT=runs/quickstart RANKS=2 EPOCHS=50

usage() {
  cat <<'TEXT'
usage: launch/quickstart.sh [options]
  --no-install  never call apt-get; name what is missing and go on
  --help        this text
Installs packages (by sudo unless called by root), builds siren into build/release, makes ratings with planted
tastes, trains on 2 ranks --preset best, the same from likes alone, SiReN as published and LightGCN, and compares
them with popularity. Results: runs/quickstart, made anew each time. Besides the packages some eight minutes on two
cores, most of them to build.
TEXT
}

fail() {
  echo "launch/quickstart.sh: $*" >&2
  exit 1
}

# step TITLE COMMAND...: says what it does, and stops everything if it fails. A function called by it must itself stop
# at its first failing command: set -e has no effect in there.
step() {
  local title=$1
  shift
  printf '\n== %s\n' "$title"
  "$@" || fail "stopped at '$title' with exit code $?; the reason is above"
}

configure() {
  local options=(-DSIREN_WERROR=OFF)
  command -v ccache >/dev/null && options+=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  cmake --preset release "${options[@]}"
}

# The launcher of the MPI that siren was built with, and what it needs to start two ranks anywhere: as root, in a
# container, on a single core, with waiting ranks that leave the cores to the others.
find_launcher() {
  mpirun=("$(sed -n 's/^MPIEXEC_EXECUTABLE:[A-Z]*=//p' build/release/CMakeCache.txt)")
  [ -n "${mpirun[0]}" ] || fail "build/release knows no mpirun; remove that directory and start again"
  if "${mpirun[0]}" --version 2>&1 | grep -Eq 'Open ?(MPI|RTE)'; then
    mpirun+=(--oversubscribe --bind-to none)
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    export OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_btl_vader_single_copy_mechanism=none
    export OMPI_MCA_odls_base_sigkill_timeout=20  # seconds from SIGTERM to SIGKILL: time to save
  fi
  mpirun+=(-n "$RANKS")
}

# At most four threads a rank: the data are small.
choose_threads() {
  threads=$(($(nproc) / RANKS))
  [ "$threads" -ge 1 ] || threads=1
  [ "$threads" -le 4 ] || threads=4
  export OMP_NUM_THREADS=$threads OMP_WAIT_POLICY=passive
}

# train NAME OPTION...: a run of that name, and its metrics on the test ratings as JSON.
train() {
  local name=$1
  shift
  "${mpirun[@]}" "$siren" train --data "$OUT/ratings.h5" --fold 1 --seed 1 --threads "$threads" --run "$OUT/$name" "$@" \
    >"$OUT/$name.txt" &&
    "${mpirun[@]}" "$siren" evaluate --run "$OUT/$name" --split test --threads "$threads" --json >"$OUT/$name.json"
}

# published NAME OPTION...: with the settings of the paper.
published() {
  local name=$1
  shift
  train "$name" --preset paper --epochs "$EPOCHS" --eval-every 10 --eval-split test "$@"
}

popularity() {
  "${mpirun[@]}" "$siren" evaluate --model popularity --data "$OUT/ratings.h5" --fold 1 --split test --json \
    >"$OUT/popularity.json"
}

install=()
while [ $# -gt 0 ]; do
  case $1 in
    --no-install) install=(--no-install) ;;
    --help)
      usage
      exit 0
      ;;
    *)
      echo "launch/quickstart.sh: unknown option $1; see launch/quickstart.sh --help" >&2
      exit 2
      ;;
  esac
  shift
done
[ -w . ] || fail "$PWD cannot be written by $(id -un); start from a copy of your own"

step "Packages" launch/install-packages.sh --for build "${install[@]}"
started=$SECONDS
step "Configure" configure
step "Build" cmake --build build/release --target siren --parallel "$(nproc)"
siren=build/release/siren
find_launcher
choose_threads
rm -rf "$OUT"
mkdir -p "$OUT"

step "Ratings with planted tastes" "$siren" synth --users 2000 --items 1500 --ratings 120000 --seed 7 --output "$OUT/ratings.csv"
step "Dataset file with five folds" "$siren" prepare --input "$OUT/ratings.csv" --output "$OUT/ratings.h5" --split kfold --folds 5
step "Best on $RANKS ranks: settings by validation, then the model" train best --preset best
step "The same from likes alone" train best-likes --preset best --no-dislikes
step "SiReN as published" published siren
step "LightGCN" published lightgcn --model lightgcn
step "Popularity" popularity
step "Comparison on the test ratings of fold 1" python3 launch/compare_runs.py \
  "best=$OUT/best.json" "best, likes alone=$OUT/best-likes.json" "SiReN=$OUT/siren.json" "LightGCN=$OUT/lightgcn.json" \
  "popularity=$OUT/popularity.json"
printf '\nDone in %d s after the packages. Everything is in %s; next: %s train --help\n' $((SECONDS - started)) "$OUT" "$siren"
