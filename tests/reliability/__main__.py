"""``make reliability``: the times and counts that the guarantees name, measured several times on the kwok cluster.

Prints a table, writes JSON, and with ``--write`` the table into docs/reliability.md. Exit 1 where a promise was broken.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.reliability.figures import Figure, table
from tests.reliability.freeze import Freeze, How, freeze
from tests.reliability.leader import BUILDS, takeover
from tests.reliability.order import Rebuilt, launch_number_of_the_late_one, rebuild
from tests.support.cluster import ROOT
from tests.support.figures_doc import RELIABILITY, machine, write_between
from tests.support.rig import Rig

MARK = "reliability figures"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.reliability", description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--waiting", type=int, default=10_000, help="builds that wait when Redis loses them")
    parser.add_argument("--flood", type=int, default=2000, help="builds that flood a namespace")
    parser.add_argument("--silence", type=float, default=30.0, help="seconds for which Redis does not answer")
    parser.add_argument("--only", choices=tuple(_PARTS), action="append", help="one part; may be given again")
    parser.add_argument("--json", type=Path, default=ROOT / ".cluster" / "reliability.json")
    parser.add_argument("--write", action="store_true", help="write the table into docs/reliability.md")
    return parser.parse_args()


def _leader(wanted: argparse.Namespace) -> Iterator[Figure]:
    for how, promised in ((signal.SIGKILL, 15), (signal.SIGTERM, 3)):
        for burst in (False, True):
            values = []
            for _ in range(wanted.runs):
                with Rig("leader") as rig:
                    values.append(takeover(rig, how, burst=burst))
            load = f"{BUILDS} builds {'that have just come' if burst else 'waiting and running'}"
            yield Figure(f"leader gets {how.name}, {load}: first launch by the other", "s", promised, tuple(values))


def _freeze(wanted: argparse.Namespace) -> Iterator[Figure]:
    for how in How:
        seen: list[Freeze] = []
        for _ in range(wanted.runs):
            with Rig("freeze") as rig:
                seen.append(freeze(rig, how, wanted.silence))
        name = f"Redis silent for {wanted.silence:g} s ({how})"
        moved = tuple(float(one.transitions) for one in seen)
        yield Figure(f"{name}: status changes of running builds meanwhile", "", 1, moved, at_least=True)
        yield Figure(f"{name}: until `publishbuild_redis_up` is 0", "s", 15, tuple(one.noticed for one in seen))
        yield Figure(f"{name}: from its return to the next launch", "s", 5, tuple(one.recovery for one in seen))


def _rebuild(wanted: argparse.Namespace) -> Iterator[Figure]:
    seen: list[Rebuilt] = []
    # Each run makes and removes as many builds: three tell enough.
    for _ in range(min(3, wanted.runs)):
        with Rig("order", namespaces=2) as rig:
            seen.append(rebuild(rig, wanted.waiting))
    name = f"`flushall` with {seen[0].waiting:,} waiting builds"
    wrong = tuple(float(not one.same_order) + float(not one.same_members) for one in seen)
    yield Figure(f"{name}: differences in order and members", "", 0, wrong)
    yield Figure(f"{name}: the rebuild alone", "s", 1, tuple(one.alone for one in seen))
    yield Figure(f"{name}: until the index is whole, noticing included", "s", 5, tuple(one.whole for one in seen))


def _turns(wanted: argparse.Namespace) -> Iterator[Figure]:
    values = []
    for _ in range(min(3, wanted.runs)):
        with Rig("turns", namespaces=2) as rig:
            values.append(float(launch_number_of_the_late_one(rig, wanted.flood)))
    yield Figure(
        f"{wanted.flood:,} builds wait in one namespace, then one in another: as which launch it starts",
        "",
        2,
        tuple(values),
    )


_PARTS: dict[str, Callable[[argparse.Namespace], Iterator[Figure]]] = {
    "leader": _leader,
    "freeze": _freeze,
    "turns": _turns,
    "rebuild": _rebuild,
}


def main() -> int:
    """Measure, print and write; the exit code."""
    wanted = _arguments()
    figures: list[Figure] = []
    for part in wanted.only or _PARTS:
        for figure in _PARTS[part](wanted):
            print(figure.row, flush=True)
            figures.append(figure)
            wanted.json.write_text(json.dumps([one.as_json() for one in figures], indent=2) + "\n", encoding="utf-8")
    made = f"{machine()}\n\n{table(figures)}"
    print(f"\n{made}")
    if wanted.write:
        write_between(RELIABILITY, MARK, made)
    return 0 if all(figure.held for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
