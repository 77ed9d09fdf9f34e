"""``make bench-scale``: how start, memory, idle CPU, launches and ``kubectl get pb`` grow with the builds that exist.

Nine of ten builds have ended, the others wait. Then two operators with disjoint namespaces beside one for both: the way
past what one leader can do. Prints tables, and with ``--write`` puts them into docs/performance.md.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from publishbuild import names
from publishbuild.cluster.objects import JOBS
from tests.bench.fresh import console, fresh
from tests.bench.load import Load
from tests.bench.restart import LIMIT, Restart, restart, until_idle
from tests.bench.storm import in_phase, spread_out
from tests.bench.table import markdown_table, spread
from tests.support.fast_kube import path_of
from tests.support.figures_doc import PERFORMANCE, machine, write_between
from tests.support.manifests import a_manifest
from tests.support.rig import Rig
from tests.support.waiting import until

LAUNCHED = 100
_ENDED_PART = 0.9
_HEAD = ("builds", "start to first launch", "RSS", "idle CPU", "launches per second", "`kubectl get pb`")
_SHARDS_HEAD = ("operators", "builds", "launches per second, together", "spread")


@dataclass(frozen=True)
class Scale:
    """The figures with ``builds`` in the cluster; ``launches`` a second."""

    builds: int
    start: Restart
    launches: float

    @property
    def cells(self) -> tuple[str, ...]:
        """The row of the table."""
        start = self.start
        return (
            f"{self.builds:,}",
            f"{start.first_launch:.1f} s",
            f"{start.rss:.0f} MiB",
            f"{100 * start.idle_cpu:.2f} % of a core",
            f"{self.launches:.0f}",
            f"{start.list_seconds:.1f} s",
        )


def scale(builds: int) -> Scale:
    """Measure with ``builds`` in a cluster that has just come up."""
    waiting = round(builds * (1 - _ENDED_PART))
    with fresh() as rig:
        started = restart(rig, ended=builds - waiting, waiting=waiting)
        return Scale(builds, started, _launches(rig, waiting))


def _launches(rig: Rig, waiting: int) -> float:
    """An operator with more places starts in a paused namespace; `LAUNCHED` builds, or all, get theirs at once."""
    kube, more = rig.kube, min(LAUNCHED, waiting - LIMIT)
    rig.stop_operators()
    kube.kubectl("annotate", "namespace", kube.namespace, f"{names.ANNOTATION_PAUSED}=true")
    until_idle(rig.operator(log="second", max_concurrent=LIMIT + more), seconds=120 + waiting / 5)
    with Load(rig.kubeconfig, rig.folder).watch(path_of(kube.namespace, resource=JOBS), LIMIT + more) as jobs:
        kube.kubectl("annotate", "namespace", kube.namespace, f"{names.ANNOTATION_PAUSED}-")
        newest = sorted(jobs.seen().items(), key=lambda seen: seen[1])[LIMIT:]
    return spread_out(dict(newest))


def one_operator(builds: int) -> float:
    """Launches a second of one operator for two namespaces."""
    with fresh(namespaces=2) as rig:
        return _shards(rig, [rig], builds)


def two_operators(builds: int) -> float:
    """Launches a second of two operators, each with a namespace, a Redis and a Lease of its own."""
    with fresh() as one, Rig("bench") as other:
        return _shards(one, [one, other], builds)


def _shards(first: Rig, rigs: list[Rig], builds: int) -> float:
    """All of ``builds`` wait in two namespaces; both are unpaused at once."""
    load, kubes = Load(first.kubeconfig, first.folder), [kube for rig in rigs for kube in rig.kubes]
    each = builds // len(kubes)
    paused = f"{names.ANNOTATION_PAUSED}=true"
    first.kube.kubectl("annotate", "namespace", *(kube.namespace for kube in kubes), paused)
    # All places are for these two: none is kept for a third.
    operators = [rig.operator(max_concurrent=builds, reserved_for_idle=0) for rig in rigs]
    for kube in kubes:
        load.send("POST", path_of(kube.namespace), [a_manifest(outcome="hold") for _ in range(each)])
    until(lambda: all(in_phase(kube, "Queued") == each for kube in kubes), seconds=300, what="all are queued", pause=1)
    for operator in operators:
        until_idle(operator, seconds=300)
    with ExitStack() as stack:
        watched = [stack.enter_context(load.watch(path_of(kube.namespace, resource=JOBS), each)) for kube in kubes]
        first.kube.kubectl("annotate", "namespace", *(kube.namespace for kube in kubes), f"{names.ANNOTATION_PAUSED}-")
        with ThreadPoolExecutor() as pool:
            seen = list(pool.map(lambda watching: watching.seen(), watched))
    return spread_out({f"{number}/{name}": at for number, part in enumerate(seen) for name, at in part.items()})


def main() -> int:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__)
    parser.add_argument("--sizes", default="1000,10000,50000", help="how many builds exist, separated by commas")
    parser.add_argument("--shard-builds", type=int, default=500, help="builds of the comparison of one and two")
    parser.add_argument("--runs", type=int, default=3, help="repetitions of that comparison")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/performance.md")
    wanted = parser.parse_args()
    rows = []
    for size in (int(size) for size in wanted.sizes.split(",") if size):
        rows.append(scale(size).cells)
        console.print("  ".join(rows[-1]), highlight=False)
    tables = [markdown_table(_HEAD, rows)]
    rates: dict[str, list[float]] = {"one, for both namespaces": [], "two, a namespace each": []}
    for _ in range(wanted.runs):
        for measure, into in zip((one_operator, two_operators), rates.values(), strict=True):
            into.append(measure(wanted.shard_builds))
            console.print(f"  {measure.__name__}: {into[-1]:.0f}/s", highlight=False)
    tables.append(
        markdown_table(
            _SHARDS_HEAD,
            [
                (who, f"{wanted.shard_builds:,}", f"{median(each):.0f}", spread(each, ".0f"))
                for who, each in rates.items()
                if each
            ],
        )
    )
    text = "\n\n".join((machine(), *tables))
    console.print(text, highlight=False)
    if wanted.write:
        write_between(PERFORMANCE, "scale", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
