#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From a bare Debian 12 / Ubuntu 22.04 machine to a verdict: installs what is missing, builds, tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'TEXT'
usage: tests/run.sh [options]
  --preset NAME   configure preset (default release-audit; see CMakePresets.json)
  --label REGEX   only tests with this label: unit, mpi, e2e, golden, lint
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

packages() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' launch/packages.txt; }

is_installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

missing_packages() {
  local package
  for package in $(packages); do
    is_installed "$package" || echo "$package"
  done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "installing packages needs root or sudo; install them and call again with --no-install: $(missing_packages | xargs)"
  fi
}

install_missing() {
  local missing
  if ! command -v dpkg-query >/dev/null; then
    echo "tests/run.sh: no dpkg here; taking the packages of launch/packages.txt for granted" >&2
    return
  fi
  mapfile -t missing < <(missing_packages)
  [ "${#missing[@]}" = 0 ] && return
  if [ "$install" = no ]; then
    echo "tests/run.sh: not installed: ${missing[*]}" >&2
    return
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
}

configure() {
  local options=()
  command -v ccache >/dev/null && options+=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  cmake --preset "$preset" "${options[@]}"
}

preset=release-audit label="" jobs=$(nproc) install=yes
while [ $# -gt 0 ]; do
  case $1 in
    --preset | --label | --jobs)
      [ $# -ge 2 ] || fail "$1 needs a value"
      declare "${1#--}=$2"
      shift 2
      ;;
    --no-install)
      install=no
      shift
      ;;
    --help)
      usage
      exit 0
      ;;
    *) fail "unknown option $1; see tests/run.sh --help" ;;
  esac
done

install_missing
configure
cmake --build "build/$preset" --parallel "$jobs"
selection=()
[ -n "$label" ] && selection+=(-L "$label")
ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j2 "${selection[@]}"
