"""``make soak``: thousands of builds through one real operator, a real Redis and a real API server, and one verdict.

Exit 0 where promise 13 holds (RSS at the end within 10 % of the RSS at 1,000 builds), 1 where it does not. With
``--keep`` ended builds stay, memory grows with them, and what is printed is its price.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

from tests.soak.run import Plan, Soak
from tests.soak.samples import per_thousand_kept, table, verdict
from tests.support.fast_kube import FastKube
from tests.support.figures_doc import RELIABILITY, machine, write_between
from tests.support.rig import Rig
from tests.support.wire import Wire

MARK, KEPT_MARK = "soak figures", "soak kept figures"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--builds", type=int, default=5000)
    parser.add_argument("--limit", type=int, default=100, help="builds that run at once")
    parser.add_argument("--keep", action="store_true", help="ended builds are not deleted")
    parser.add_argument("--write", action="store_true", help="write the result into docs/reliability.md")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    return parser.parse_args()


async def _run(wanted: argparse.Namespace, rig: Rig, wire: Wire) -> Soak:
    operator = rig.operator(kubeconfig=wire.kubeconfig, max_concurrent=wanted.limit)

    def restart_redis() -> None:
        print("  Redis is killed and started anew, empty", flush=True)
        rig.redis.stop()
        rig.redis.start()

    def cut() -> None:
        print("  all connections to the API server are cut", flush=True)
        wire.cut()

    plan = Plan(
        builds=wanted.builds,
        backlog=wanted.limit * 3,
        keep=wanted.keep,
        every=min(1000, max(1, wanted.builds // 5)),
        seed=wanted.seed,
        disturb={wanted.builds * 2 // 5: restart_redis, wanted.builds * 3 // 5: cut},
    )
    async with FastKube(rig.kubeconfig) as kube:
        soak = Soak(plan, kube, rig.kube.namespace, operator)
        await soak.run()
    errors = int(operator.metric("publishbuild_reconcile_errors_total"))
    print(f"outcomes: {dict(soak.outcomes.most_common())}; looks that failed and were repeated: {errors}")
    return soak


def main() -> int:
    """Run the soak; the exit code."""
    wanted = _arguments()
    print(f"soak: {wanted.builds:,} builds, {wanted.limit} at once, seed {wanted.seed}", flush=True)
    with Rig("soak") as rig, Wire(rig.kubeconfig, rig.folder) as wire:
        soak = asyncio.run(_run(wanted, rig, wire))
    first, last = soak.samples[0], soak.samples[-1]
    judged = verdict(first, last)
    if wanted.keep:
        said = f"each 1,000 ended builds that stay cost {per_thousand_kept(first, last):.1f} MiB of RSS"
    else:
        said = ("level: " if judged.held else "NOT level: ") + judged.text
    print(f"{table(soak.samples)}\n{said}")
    if wanted.write:
        text = f"{machine()}\n\n{table(soak.samples)}\n\n{said[0].upper()}{said[1:]}."
        write_between(RELIABILITY, KEPT_MARK if wanted.keep else MARK, text)
    return 0 if wanted.keep or judged.held else 1


if __name__ == "__main__":
    sys.exit(main())
