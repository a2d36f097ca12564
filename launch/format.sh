#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Applies clang-format to every C++ file of the project.
set -eu
cd "$(dirname "$0")/.."
exec python3 tests/lint/check_format.py --apply .
