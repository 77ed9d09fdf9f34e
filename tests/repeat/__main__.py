"""The integration suite again and again, in a new random order each time, and how often it was good."""

from __future__ import annotations

import argparse
import hashlib
import random
import re
import subprocess
import sys
import time
from contextlib import nullcontext
from datetime import UTC, datetime

import pytest

from tests.repeat.ledger import Row, Run, read, table, with_runs
from tests.repeat.load import busy_cores
from tests.support.cluster import ROOT
from tests.support.figures_doc import write_between

DOCUMENT = ROOT / "docs" / "test-runs.md"
MARK = "test runs"
_COUNTED = ("operator", "tests")
_FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.repeat", description=__doc__)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--seed", type=int, help="the order of one run, again")
    parser.add_argument("--load", action="store_true", help="beside one busy process for each core")
    parser.add_argument("--write", action="store_true", help="count the runs in docs/test-runs.md")
    return parser.parse_args()


def _content() -> str | None:
    """A short hash of what the commit has in the counted folders; None where they differ from the commit."""
    changed = _git("status", "--porcelain", "--", *_COUNTED)
    trees = _git("rev-parse", *(f"HEAD:{folder}" for folder in _COUNTED))
    return None if changed else hashlib.sha256(trees.encode()).hexdigest()[:12]


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def _run(seed: int, *, under_load: bool) -> Run:
    command = [sys.executable, "-m", "pytest", "tests/integration", "-q"]
    command += ["-n", "6", "--maxschedchunk", "1", f"--randomly-seed={seed}"]
    started = time.monotonic()
    with busy_cores() if under_load else nullcontext():
        done = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode < 0 or done.returncode == pytest.ExitCode.INTERRUPTED:
        sys.exit("test-repeat: pytest was ended; this run does not count")
    failed = list(dict.fromkeys(_FAILED.findall(done.stdout)))
    if done.returncode and not failed:
        failed = [f"pytest ended with {done.returncode}"]
    if failed:
        print(done.stdout)
    said = f"{len(failed)} failed" if failed else "good"
    print(f"seed {seed}{', under load' * under_load}: {said}, {time.monotonic() - started:.0f} s", flush=True)
    return Run(f"{datetime.now(UTC):%Y-%m-%d}", seed, under_load, failed)


def main() -> int:
    """Run the suite; 0 where every run was good."""
    wanted = _arguments()
    content = _content()
    if wanted.write and content is None:
        print("test-repeat: operator/ or tests/ have changes that are not committed, so nothing can be counted")
        return 1
    runs: list[Run] = []
    for _ in range(1 if wanted.seed is not None else wanted.runs):
        seed = random.SystemRandom().getrandbits(32) if wanted.seed is None else wanted.seed
        runs.append(_run(seed, under_load=wanted.load))
        if wanted.write and content is not None:
            write_between(DOCUMENT, MARK, table(with_runs(_ledger(), content, runs[-1:])))
    counted = _ledger() if wanted.write else with_runs(_ledger(), content or "uncommitted", runs)
    print(counted[0].text())
    return int(any(run.failed for run in runs))


def _ledger() -> list[Row]:
    return read(DOCUMENT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())
