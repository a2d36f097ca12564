#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs those packages of launch/packages.txt that are missing on Debian 12 / Ubuntu 22.04 or later.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'TEXT'
usage: launch/install-packages.sh [options]
  --for build|all  what is needed to build and run siren, or also to test and lint it (default all)
  --no-install     only name what is missing
  --help           this text
Uses apt-get, by sudo unless called by root; does nothing if nothing is missing.
TEXT
}

fail() {
  echo "launch/install-packages.sh: $*" >&2
  exit 2
}

# The list of a purpose: for build, what stands above the heading "# tests".
packages() { awk -v purpose="$purpose" '/^# tests/ && purpose == "build" { exit } !/^#/ && NF' launch/packages.txt; }

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
  else
    sudo "$@"
  fi
}

purpose=all install=yes
while [ $# -gt 0 ]; do
  case $1 in
    --for)
      [ $# -ge 2 ] || fail "--for needs a value: build or all"
      purpose=$2
      shift
      ;;
    --no-install) install=no ;;
    --help)
      usage
      exit 0
      ;;
    *) fail "unknown option $1; see launch/install-packages.sh --help" ;;
  esac
  shift
done
[ "$purpose" = build ] || [ "$purpose" = all ] || fail "--for $purpose: expected build or all"

if ! command -v dpkg-query >/dev/null; then
  echo "launch/install-packages.sh: no dpkg here; taking the packages of launch/packages.txt for granted" >&2
  exit 0
fi
mapfile -t missing < <(missing_packages)
[ "${#missing[@]}" = 0 ] && exit 0
if [ "$install" = no ]; then
  echo "launch/install-packages.sh: not installed: ${missing[*]}" >&2
  exit 0
fi
if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
  fail "installing packages needs root or sudo; have these installed and call again with --no-install: ${missing[*]}"
fi
as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q ||
  fail "apt-get update failed; its reason is above"
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" ||
  fail "apt-get install failed; its reason is above"
