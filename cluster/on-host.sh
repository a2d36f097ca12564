#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What ssh is between real hosts: on-host.sh HOST WORDS... has a shell run the words on a host of cluster/hosts.sh, with that
# host's network and name, shared memory of its own, and processes that die with this one.
[ $# -ge 2 ] || { echo "usage: cluster/on-host.sh HOST WORDS..." >&2 && exit 2; }
host=$1
shift
# shellcheck disable=SC2016 # that shell expands them
exec nsenter --net="/run/netns/$host" unshare --uts --ipc --mount --pid --fork --kill-child --mount-proc --propagation private \
  sh -c 'hostname "$0" && mount -t tmpfs tmpfs /dev/shm && exec sh -c "$1"' "$host" "$*"
