"""``python -m tests.faults``: one seed again (``--seed``), or many fresh ones (``--runs``)."""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.faults.history import History
from tests.faults.judge import Violation
from tests.faults.report import summary, table
from tests.faults.run import Result, run
from tests.faults.seeds import plan_of
from tests.faults.terminal import say, to_the_end
from tests.support.cluster import kwok_kubeconfig
from tests.support.figures_doc import RELIABILITY, machine, write_between


async def run_all(seeds: Sequence[int], *, side_by_side: int, kubeconfig: Path) -> list[Result]:
    """Run all seeds, so many at once; says each as it ends."""
    gate = asyncio.Semaphore(side_by_side)
    results: list[Result] = []

    async def one(seed: int) -> None:
        async with gate:
            say(f"seed {seed} begins")
            result = await _run_or_say(seed, kubeconfig)
            results.append(result)
            word = "FAILED" if result.violations else "good"
            say(f"[{len(results)}/{len(seeds)}] seed {seed}: {word} in {result.seconds:.0f} s")
            if result.violations:
                say("\n".join(result.lines()))

    await asyncio.gather(*(one(seed) for seed in seeds))
    return results


async def _run_or_say(seed: int, kubeconfig: Path) -> Result:
    """The run; one in which the suite itself broke counts as failed, and the others go on."""
    plan = plan_of(seed)
    try:
        return await run(plan, kubeconfig)
    except Exception as error:  # noqa: BLE001
        said = f"the suite itself broke, so nothing is proven: {type(error).__name__}: {error}"
        return Result(plan, History(), [Violation(0, said)], 0.0, Path())


def main() -> int:
    """0 where all promises held, 1 where one did not."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this seed again")
    parser.add_argument("--runs", type=int, default=1, help="that many fresh seeds")
    parser.add_argument("--side-by-side", type=int, default=2, help="that many at once")
    parser.add_argument("--kubeconfig", type=Path, help="another cluster of pretended nodes")
    parser.add_argument("--show", action="store_true", help="print the plan of --seed and run nothing")
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--write", action="store_true", help=f"put the table into {RELIABILITY.name}")
    chosen = parser.parse_args()
    if chosen.runs < 1 or chosen.side_by_side < 1:
        parser.error("--runs and --side-by-side must be 1 or more")
    if chosen.show:
        say("\n".join(plan_of(chosen.seed or 0).lines()))
        return 0
    if chosen.kubeconfig and not chosen.kubeconfig.exists():
        parser.error(f"no kubeconfig at {chosen.kubeconfig}")
    kubeconfig = chosen.kubeconfig or kwok_kubeconfig()
    seeds = [chosen.seed] if chosen.seed is not None else [secrets.randbelow(2**32) for _ in range(chosen.runs)]
    say(f"seeds: {' '.join(map(str, seeds))}")
    results = to_the_end(run_all(seeds, side_by_side=chosen.side_by_side, kubeconfig=kubeconfig))
    say(table(results))
    if chosen.json:
        chosen.json.write_text(json.dumps(summary(results), indent=2) + "\n")
    if chosen.write:
        write_between(RELIABILITY, "faults figures", f"{machine()}\n\n{table(results)}")
    failed = [result.plan.title for result in results if result.violations]
    if failed:
        say(f"failed: {', '.join(failed)}; again with make faults SEED=n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
