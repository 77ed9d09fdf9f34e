#!/usr/bin/env bash
# What needs no cluster: lint, layout, types, import rules, generated files, unit tests. Called by make, after setup.
set -euo pipefail
umask go-w  # nobody else writes to what is made here
unset PYTHONSAFEPATH  # Python finds the drivers in this folder
CDPATH= cd -- "$(dirname -- "$0")/.."
bin=.venv/bin

step() { printf '\n== %s\n' "$1"; }

step "lint and layout (ruff)"
$bin/ruff check .
$bin/ruff format --check -q .
step "types (mypy, strict)"
$bin/mypy
step "import rules (import-linter)"
$bin/lint-imports --no-cache > .venv/import-rules.txt || { cat .venv/import-rules.txt; exit 1; }
tail -n 2 .venv/import-rules.txt
step "generated files"
make --no-print-directory verify
step "unit tests"
$bin/pytest tests/unit -q -n 2
