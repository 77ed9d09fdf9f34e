#!/usr/bin/env bash
# The tests that need an API server with pretended nodes, which is up. Called by test.sh.
set -euo pipefail
umask go-w  # nobody else writes to what is made here
unset PYTHONSAFEPATH  # Python finds the drivers in this folder
CDPATH= cd -- "$(dirname -- "$0")/.."
pytest=.venv/bin/pytest

step() { printf '\n== %s\n' "$1"; }

step "integration tests: real API server, Job controller and Redis, pretended nodes"
# One test at a time for each worker: one that waits long keeps no others waiting behind it.
$pytest tests/integration -q -n 6 --maxschedchunk 1
step "GitOps: what kstatus and Argo CD make of each state; the examples at work"
$pytest tests/gitops -q -n 2
step "fault suite, three seeds: kills, lost answers, silent watches, Redis and API server away"
$pytest tests/faults -q -n 3
step "the runner with the real eas-cli against the stand-in EAS"
exec $pytest tests/runner_real -q
