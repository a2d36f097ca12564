#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What takes longer than CI may: all tests in Debug and under the sanitizers.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'TEXT'
usage: tests/audit.sh [options] [PART...]
  --no-install  never call apt-get; name what is missing and go on
  --jobs N      parallel compilations (default: number of cores)
  --help        this text
PART: dev (Debug), asan (address, undefined behaviour, casts of floating numbers); without any: both.
Each builds build/PART and runs all tests in it. tests/README.md tells the last result and how long it took.
TEXT
}

options=() parts=()
while [ $# -gt 0 ]; do
  case $1 in
    --no-install)
      options+=(--no-install)
      shift
      ;;
    --jobs)
      [ $# -ge 2 ] || { echo "tests/audit.sh: --jobs needs a value" >&2; exit 2; }
      options+=(--jobs "$2")
      shift 2
      ;;
    --help)
      usage
      exit 0
      ;;
    dev | asan)
      parts+=("$1")
      shift
      ;;
    *)
      echo "tests/audit.sh: unknown word $1; see tests/audit.sh --help" >&2
      exit 2
      ;;
  esac
done
[ ${#parts[@]} -gt 0 ] || parts=(dev asan)

failed=()
for part in "${parts[@]}"; do
  begin=$SECONDS
  if tests/run.sh --preset "$part" --no-odr "${options[@]}"; then verdict=passed; else verdict=failed failed+=("$part"); fi
  echo "tests/audit.sh: $part $verdict after $(((SECONDS - begin) / 60)) min"
done
[ ${#failed[@]} -eq 0 ]
