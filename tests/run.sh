#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From a bare Debian 12 / Ubuntu 22.04 machine to a verdict: installs what is missing, builds, tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'TEXT'
usage: tests/run.sh [options]
  --preset NAME   configure preset (default release-audit; see CMakePresets.json)
  --label REGEX   only tests with this label: unit, mpi, e2e, golden, lint, fuzz
  --jobs N        parallel compilations (default: number of cores)
  --no-install    never call apt-get; name what is missing and go on
  --no-odr        leave out the Debug program that is linked as one (preset odr) and lives one short life
  --help          this text
Packages: launch/packages.txt. Build directory: build/NAME.
TEXT
}

fail() {
  echo "tests/run.sh: $*" >&2
  exit 2
}

# build PRESET
build() {
  local options=()
  export CCACHE_SLOPPINESS=pch_defines,time_macros  # or ccache keeps nothing that precompiled headers went into
  command -v ccache >/dev/null && options+=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  cmake --preset "$1" "${options[@]}"
  cmake --build "build/$1" --parallel "$jobs"
}

# Two definitions of one name do not survive this link, nor what only optimised code does this life.
check_odr() {
  build odr
  OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_mpi_yield_when_idle=1 \
    OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive python3 tests/e2e/smoke.py build/odr/siren
}

preset=release-audit label="" jobs=$(nproc) install=() odr=yes
while [ $# -gt 0 ]; do
  case $1 in
    --preset | --label | --jobs)
      [ $# -ge 2 ] || fail "$1 needs a value"
      declare "${1#--}=$2"
      shift 2
      ;;
    --no-install)
      install=(--no-install)
      shift
      ;;
    --no-odr)
      odr=no
      shift
      ;;
    --help)
      usage
      exit 0
      ;;
    *) fail "unknown option $1; see tests/run.sh --help" ;;
  esac
done

launch/install-packages.sh "${install[@]}"
build "$preset"
[ "$odr" = no ] || [ -n "$label" ] || check_odr
selection=()
[ -n "$label" ] && selection+=(-L "$label")
ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j2 "${selection[@]}"
