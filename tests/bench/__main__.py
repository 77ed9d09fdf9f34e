"""``make bench``: each figure that docs/performance.md names, with its ceiling measured in the same run, alternately.

Prints a table, writes JSON and a chart, and with ``--write`` the table into docs/performance.md. Exit 1 where a goal is
not met.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.table import Table

from tests.bench import storm
from tests.bench.chart import chart
from tests.bench.fresh import console, fresh
from tests.bench.latency import Latency, latency
from tests.bench.restart import Restart, restart
from tests.bench.table import HEAD, Row, markdown, percentile
from tests.reliability.order import rebuild
from tests.support.cluster import ROOT
from tests.support.figures_doc import PERFORMANCE, machine, write_between
from tests.support.rig import Rig

Object = dict[str, Any]
MARK = "benchmark"
PICTURE = ROOT / "docs" / "pictures" / "performance.svg"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--builds", type=int, default=500, help="builds of a storm")
    parser.add_argument("--ones", type=int, default=100, help="builds one after the other, for the latencies")
    parser.add_argument("--ended", type=int, default=9000, help="ended builds at a restart")
    parser.add_argument("--waiting", type=int, default=1000, help="waiting builds at a restart")
    parser.add_argument("--only", choices=tuple(_PARTS), action="append", help="one part; may be given again")
    parser.add_argument("--json", type=Path, default=ROOT / ".cluster" / "bench.json")
    parser.add_argument("--write", action="store_true", help="write table and chart into docs/")
    return parser.parse_args()


def _storms(
    wanted: argparse.Namespace, bare: Callable[[Rig, int], storm.Storm], ours: Callable[[Rig, int], storm.Storm]
) -> tuple[list[storm.Storm], list[storm.Storm]]:
    """Both, alternately, so that a slow minute of the machine meets both."""
    ceilings: list[storm.Storm] = []
    figures: list[storm.Storm] = []
    for _ in range(wanted.runs):
        for measure, into in ((bare, ceilings), (ours, figures)):
            with fresh() as rig:
                into.append(measure(rig, wanted.builds))
            console.print(f"  {measure.__name__}: {into[-1].rate:.0f}/s", highlight=False)
    return ceilings, figures


def _launches(wanted: argparse.Namespace) -> Iterator[Row]:
    bare, ours = _storms(wanted, storm.bare_launches, storm.launches)
    rates, spent = tuple(one.rate for one in ours), [one.spent for one in ours if one.spent]
    what = f"Jobs launched per second, {wanted.builds} builds waiting"
    yield Row(what, "/s", rates, 0.7, at_least=True, ceiling=tuple(one.rate for one in bare))
    yield Row("Redis round trips per launched build", "", tuple(one.redis for one in spent), 0.1)
    yield Row("operator's CPU per launched build, reports included", "ms", tuple(1000 * one.cpu for one in spent))


def _lifecycles(wanted: argparse.Namespace) -> Iterator[Row]:
    bare, ours = _storms(wanted, storm.bare_lifecycles, storm.lifecycles)
    rates, spent = tuple(one.rate for one in ours), [one.spent for one in ours if one.spent]
    what = f"whole lifecycles per second, {wanted.builds} builds at once"
    yield Row(what, "/s", rates, 0.85, at_least=True, ceiling=tuple(one.rate for one in bare))
    writes = tuple(one.status_writes + one.job_writes for one in spent)
    yield Row("API writes per successful build", "", writes, 4)
    yield Row("Events per successful build", "", tuple(one.events for one in spent), 3)
    yield Row("operator's CPU per whole lifecycle", "ms", tuple(1000 * one.cpu for one in spent))


def _latencies(wanted: argparse.Namespace) -> Iterator[Row]:
    seen: list[Latency] = []
    for _ in range(wanted.runs):
        with fresh() as rig:
            seen.append(latency(rig, wanted.ones))
    for what, values in (
        ("apply to Job created, idle", [one.launch for one in seen]),
        ("Job complete to terminal status", [one.report for one in seen]),
    ):
        for percent, goal in ((50, 40), (99, 150)):
            yield Row(f"{what}, p{percent}", "ms", tuple(percentile(one, percent) for one in values), goal)


def _restarts(wanted: argparse.Namespace) -> Iterator[Row]:
    seen: list[Restart] = []
    for _ in range(wanted.runs):
        with fresh() as rig:
            seen.append(restart(rig, ended=wanted.ended, waiting=wanted.waiting))
    total = f"{wanted.ended + wanted.waiting:,} builds, {wanted.waiting:,} of them waiting"
    yield Row(f"restart with {total}: to the first launch", "s", tuple(one.first_launch for one in seen), 8)
    yield Row("RSS then", "MiB", tuple(one.rss for one in seen), 220)
    yield Row("CPU then, idle", "% of a core", tuple(100 * one.idle_cpu for one in seen), 1)


def _rebuilds(wanted: argparse.Namespace) -> Iterator[Row]:
    count = wanted.ended + wanted.waiting
    values = []
    for _ in range(wanted.runs):
        with fresh(namespaces=2) as rig:
            values.append(rebuild(rig, count).whole)
    yield Row(f"queue whole again after Redis was emptied, {count:,} waiting", "s", tuple(values), 1)


_PARTS: dict[str, Callable[[argparse.Namespace], Iterator[Row]]] = {
    "launches": _launches,
    "lifecycles": _lifecycles,
    "latencies": _latencies,
    "restarts": _restarts,
    "rebuilds": _rebuilds,
}


def main() -> int:
    """Measure, print and write; the exit code. Parts that were measured before stay in the JSON and in the document."""
    wanted = _arguments()
    known: dict[str, list[Object]] = json.loads(wanted.json.read_text()) if wanted.json.exists() else {}
    rows: list[Row] = []
    for part in wanted.only or _PARTS:
        console.print(f"bench: {part}", highlight=False)
        measured = list(_PARTS[part](wanted))
        rows += measured
        known[part] = [row.as_json() for row in measured]
        wanted.json.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
    table = Table(*HEAD)
    for row in rows:
        table.add_row(*(cell.replace("*", "") for cell in row.cells))
    console.print(table)
    if wanted.write:
        everything = [Row.from_json(row) for part in _PARTS for row in known.get(part, ())]
        picture = f"![Each figure as a part of its goal](pictures/{PICTURE.name})"
        write_between(PERFORMANCE, MARK, f"{machine()}\n\n{markdown(everything)}\n\n{picture}")
        PICTURE.parent.mkdir(exist_ok=True)
        PICTURE.write_text(chart(everything), encoding="utf-8")
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
