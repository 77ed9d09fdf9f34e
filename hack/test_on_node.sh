#!/usr/bin/env bash
# The end-to-end tests that pytest's options choose, on the real node, which is up; the images are built.
# Called by test.sh and make.
set -euo pipefail
umask go-w  # nobody else writes to what is made here
unset PYTHONSAFEPATH  # Python finds the drivers in this folder
CDPATH= cd -- "$(dirname -- "$0")/.."
py=.venv/bin/python

listed=$($py -m hack.images list --only operator --only standins --only redis)
mapfile -t archives <<< "$listed"
$py -m hack.cluster load "${archives[@]}"
exec .venv/bin/pytest tests/e2e -q "$@"
