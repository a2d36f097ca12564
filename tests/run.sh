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
  --help          this text
Packages: launch/packages.txt. Build directory: build/NAME.
TEXT
}

fail() {
  echo "tests/run.sh: $*" >&2
  exit 2
}

configure() {
  local options=()
  command -v ccache >/dev/null && options+=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  cmake --preset "$preset" "${options[@]}"
}

preset=release-audit label="" jobs=$(nproc) install=()
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
    --help)
      usage
      exit 0
      ;;
    *) fail "unknown option $1; see tests/run.sh --help" ;;
  esac
done

launch/install-packages.sh "${install[@]}"
configure
cmake --build "build/$preset" --parallel "$jobs"
selection=()
[ -n "$label" ] && selection+=(-L "$label")
ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j2 "${selection[@]}"
