"""``make bench-peers``: launches of this operator beside those of KEDA's ScaledJob on a Redis list.

Both launch the same Jobs, alternately, each on a cluster that has just come up. Prints a table, and with ``--write``
puts it into docs/performance.md. KEDA is compiled once, which takes minutes.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from publishbuild.cluster.objects import JOBS
from tests.bench import storm
from tests.bench.fresh import console, fresh
from tests.bench.keda import Keda, program
from tests.bench.load import Load
from tests.bench.quiet import until_the_machine_is_quiet
from tests.bench.table import markdown_table, spread
from tests.support.cluster import kwok_down
from tests.support.fast_kube import path_of
from tests.support.figures_doc import PERFORMANCE, machine, write_between
from tests.support.kube import Kube
from tests.support.rig import Rig

Object = dict[str, Any]
LIST = "builds"
# The least that KEDA takes.
POLL_SECONDS = 1
_HEAD = ("", "Jobs launched per second", "spread", "push to first Job", "spread")


@dataclass(frozen=True)
class PeerLaunches:
    """Jobs a second from the first to the last, and the seconds from the push of the list to the first."""

    version: str
    rate: float
    first: float


def keda_launches(rig: Rig, count: int) -> PeerLaunches:
    """``count`` entries are pushed to a list that a ScaledJob polls; each gets a Job that the operator would make."""
    load, path = Load(rig.kubeconfig, rig.folder), path_of(rig.kube.namespace, resource=JOBS)
    with Keda(rig) as keda:
        keda.create(scaled_job(rig.kube, rig.redis.port, count))
        until_the_machine_is_quiet(console.print)
        with load.watch(path, count) as jobs, rig.redis.client() as client:
            # What was waited for before ends in step with the polls; a user's push does not.
            time.sleep(random.uniform(0, POLL_SECONDS))  # noqa: S311  # a moment, not a secret
            pushed = time.time()
            client.rpush(LIST, *range(count))
            seen = jobs.seen()
        return PeerLaunches(keda.version, storm.spread_out(seen), min(seen.values()) - pushed)


def scaled_job(kube: Kube, redis_port: int, count: int) -> Object:
    """The ScaledJob whose Jobs are those of the operator; KEDA copies its labels and annotations to each."""
    (job,) = storm.bare_jobs(kube, 1, "hold")
    kept = {key: value for key, value in job["metadata"].items() if key in {"labels", "annotations"}}
    where = {"address": f"127.0.0.1:{redis_port}", "listName": LIST, "listLength": "1"}
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledJob",
        "metadata": {"name": "bench", **kept},
        "spec": {
            "jobTargetRef": job["spec"],
            "pollingInterval": POLL_SECONDS,
            "maxReplicaCount": count,
            "triggers": [{"type": "redis", "metadata": where}],
        },
    }


def table(ours: Sequence[float], theirs: Sequence[PeerLaunches]) -> str:
    """A row for each, medians with their spread, and the ratio of both medians."""
    rates, firsts = [one.rate for one in theirs], [one.first for one in theirs]
    rows = (
        ("this operator", f"{median(ours):.0f}", spread(ours, ".0f"), "-", "-"),
        (
            f"KEDA {theirs[0].version} ScaledJob",
            f"{median(rates):.0f}",
            spread(rates, ".0f"),
            f"{median(firsts):.2f} s",
            spread(firsts, ".2f"),
        ),
    )
    ratio = f"Ratio of the rates: {median(ours) / median(rates):.2f}, {len(ours)} runs of each."
    return f"{markdown_table(_HEAD, rows)}\n\n{ratio}"


def main() -> int:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.peers", description=__doc__)
    parser.add_argument("--builds", type=int, default=500, help="builds of a storm, and entries of the list")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write the table into docs/performance.md")
    wanted = parser.parse_args()
    program()  # compiled before the first cluster that is measured is up, not beside it
    ours: list[float] = []
    theirs: list[PeerLaunches] = []
    try:
        for _ in range(wanted.runs):
            with fresh() as rig:
                ours.append(storm.launches(rig, wanted.builds).rate)
            console.print(f"  this operator: {ours[-1]:.0f}/s", highlight=False)
            with fresh() as rig:
                theirs.append(keda_launches(rig, wanted.builds))
            console.print(f"  KEDA: {theirs[-1].rate:.0f}/s, the first after {theirs[-1].first:.2f} s", highlight=False)
    finally:
        kwok_down()  # with KEDA's resources, which are no business of the tests that share this cluster
    text = f"{machine()}\n\n{wanted.builds:,} Jobs.\n\n{table(ours, theirs)}"
    console.print(text, highlight=False)
    if wanted.write:
        write_between(PERFORMANCE, "peers", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
