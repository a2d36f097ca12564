#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs clang-tidy on every C++ file (minutes); the test lint.tidy looks at changed files only.
# usage: launch/tidy.sh [BUILD_DIR]      default build/release-audit; needs its compile_commands.json
set -eu
cd "$(dirname "$0")/.."
build=${1:-build/release-audit}
if [ ! -f "$build/compile_commands.json" ]; then
  echo "launch/tidy.sh: $build is not configured; run: cmake --preset release-audit" >&2
  exit 2
fi
exec python3 tests/lint/check_tidy.py --all . "$build"
