#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fuzzes each kind of input for as long as wanted, with the programs of a build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

usage() {
  cat <<'TEXT'
usage: tests/fuzz/run.sh [options] [KIND...]
  --preset NAME   build/NAME, which must be configured (default release-audit; fuzz is libFuzzer's)
  --seconds N     of each kind (default 60)
  --seed S        of our own driver and of libFuzzer (default: another every time, printed)
  --help          this text
KINDs: the names in tests/fuzz/CMakeLists.txt (default: all). Inputs that must not end as they do are left in build/NAME/fuzz.
TEXT
}

fail() {
  echo "tests/fuzz/run.sh: $*" >&2
  exit 2
}

preset=release-audit seconds=60 seed=$RANDOM kinds=()
while [ $# -gt 0 ]; do
  case $1 in
    --preset | --seconds | --seed)
      [ $# -ge 2 ] || fail "$1 needs a value"
      declare "${1#--}=$2"
      shift 2
      ;;
    --help)
      usage
      exit 0
      ;;
    -*) fail "unknown option $1; see tests/fuzz/run.sh --help" ;;
    *)
      kinds+=("$1")
      shift
      ;;
  esac
done

root=$PWD
cmake --build "build/$preset" --target siren_fuzz
mkdir -p "build/$preset/fuzz"
cd "build/$preset/fuzz"
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:max_allocation_size_mb=1024
[ ${#kinds[@]} -gt 0 ] || mapfile -t kinds < <(cd ../tests/fuzz && find . -maxdepth 1 -type f -name 'fuzz.*' -executable -printf '%f\n' | sed 's/^fuzz\.//' | sort)
failed=()
for kind in "${kinds[@]}"; do
  program=../tests/fuzz/fuzz.$kind corpus=$root/tests/fuzz/corpus/$kind dictionary=$root/tests/fuzz/dictionaries/$kind.dict
  echo "== $kind: $seconds s, seed $seed"
  if [ "$preset" = fuzz ]; then
    mkdir -p "$kind"
    arguments=(-max_total_time="$seconds" -seed="$seed" -timeout=20 -rss_limit_mb=3000 -print_final_stats=1 "$kind")
    [ ! -d "$corpus" ] || arguments+=("$corpus")
    [ ! -f "$dictionary" ] || arguments+=(-dict="$dictionary")
  else
    arguments=(--seconds "$seconds" --seed "$seed")
    [ ! -d "$corpus" ] || arguments+=(--corpus "$corpus")
    [ ! -f "$dictionary" ] || arguments+=(--dictionary "$dictionary")
  fi
  "$program" "${arguments[@]}" || failed+=("$kind")
done
[ ${#failed[@]} -eq 0 ] || fail "faults in: ${failed[*]} (seed $seed)"
