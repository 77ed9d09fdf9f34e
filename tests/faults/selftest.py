"""``python -m tests.faults.selftest``: breaks a copy of the operator in each known way, and demands that it is noticed.

Each plan is first run with an unbroken copy, in which nothing may be noticed.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from tests.faults.mutations import MUTATIONS, Mutation
from tests.faults.run import Result, run
from tests.faults.terminal import say, to_the_end
from tests.support.cluster import ROOT, kwok_kubeconfig

PACKAGE = ROOT / "operator" / "publishbuild"


class SourceChangedError(Exception):
    """An edit does not fit the source any more."""


def broken_copy(mutation: Mutation, folder: Path, *, package: Path = PACKAGE) -> Path:
    """A copy of the package with the mutation's edits; its parent is what PYTHONPATH must name.

    Raises:
        SourceChangedError: a text to be replaced is not there exactly once.
    """
    copy = folder / package.name
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for edit in mutation.edits:
        file = copy / edit.file
        text = file.read_text() if file.exists() else ""
        if text.count(edit.old) != 1:
            raise SourceChangedError(
                f"{mutation.name}: {edit.file} holds this {text.count(edit.old)} times instead of once: {edit.old!r}"
            )
        file.write_text(text.replace(edit.old, edit.new))
    return folder


async def _try(mutation: Mutation, kubeconfig: Path, gate: asyncio.Semaphore) -> tuple[Mutation, Result, Result]:
    async with gate:
        with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
            source = broken_copy(mutation, Path(folder))
            plan = replace(mutation.plan, title=mutation.name)
            patient = replace(plan, title=f"{mutation.name} (not broken)", end_seconds=45.0)
            whole = await run(patient, kubeconfig)
            broken = await run(plan, kubeconfig, source=source, hurried=True)
    caught = [violation for violation in broken.violations if violation.promise in mutation.promises]
    say(f"{mutation.name}: {f'caught, {caught[0]}' if caught else 'NOT CAUGHT'} ({broken.seconds:.0f} s)")
    if whole.violations:
        say("\n".join(["the unbroken operator failed the same plan:", *whole.lines()]))
    if not caught:
        say("\n".join(broken.lines()))
    else:
        shutil.rmtree(broken.folder, ignore_errors=True)
    return mutation, whole, broken


async def try_all(mutations: list[Mutation], kubeconfig: Path, side_by_side: int) -> bool:
    """Try all; whether each was caught and no unbroken copy was. Prints a table."""
    gate = asyncio.Semaphore(side_by_side)
    tried = await asyncio.gather(*(_try(mutation, kubeconfig, gate) for mutation in mutations))
    lines = ["", "| broken | caught by promise | what was seen | seconds |", "|---|---|---|---|"]
    good = True
    for mutation, whole, broken in tried:
        caught = [violation for violation in broken.violations if violation.promise in mutation.promises]
        good = good and bool(caught) and not whole.violations
        by = str(caught[0].promise) if caught else "NOT CAUGHT"
        lines.append(f"| {mutation.name} | {by} | {caught[0].said if caught else ''} | {broken.seconds:.0f} |")
    say("\n".join(lines))
    return good


def main() -> int:
    """0 where each mutation was caught."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.selftest", description=__doc__)
    parser.add_argument("--only", help="those whose name holds this text")
    parser.add_argument("--side-by-side", type=int, default=2, help="that many at once")
    chosen = parser.parse_args()
    mutations = [mutation for mutation in MUTATIONS if (chosen.only or "") in mutation.name]
    for mutation in mutations:
        with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
            try:
                broken_copy(mutation, Path(folder))
            except SourceChangedError as changed:
                say(f"faults-selftest: {changed}")
                return 1
    return 0 if to_the_end(try_all(mutations, kwok_kubeconfig(), chosen.side_by_side)) else 1


if __name__ == "__main__":
    sys.exit(main())
