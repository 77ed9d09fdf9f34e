"""The judge: what was seen of a run against what is promised (the numbers are those of the table of promises). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tests.faults.history import History, JobSeen
from tests.faults.judge_builds import outcomes
from tests.faults.judge_writers import writers
from tests.faults.order_rule import out_of_order
from tests.faults.plan import Plan


@dataclass(frozen=True, slots=True)
class Violation:
    """One promise that was broken: its number, and in a sentence what was seen."""

    promise: int
    said: str

    def __str__(self) -> str:
        return f"promise {self.promise}: {self.said}"


def judge(plan: Plan, history: History) -> list[Violation]:
    """Every promise that was seen to be broken, in the order of their numbers."""
    found = [Violation(1, said) for said in _one_job(history)]
    found += [Violation(2, said) for said in history.unfinished]
    found += [Violation(3, said) for said in _limits(plan, history)]
    found += [Violation(4, said) for said in out_of_order(plan, history)]
    found += [Violation(5, said) for said in outcomes(plan, history)]
    found += [Violation(promise, said) for promise, said in writers(history)]
    found += [Violation(6, said) for said in history.end]
    return sorted(found, key=lambda violation: violation.promise)


def in_order(jobs: list[JobSeen]) -> list[JobSeen]:
    """All changes of all Jobs as they happened in the API server."""
    return sorted(jobs, key=lambda seen: seen.revision)


def _one_job(history: History) -> Iterator[str]:
    uids: dict[tuple[str, str], dict[str, None]] = {}
    for seen in in_order(history.jobs):
        uids.setdefault((seen.namespace, seen.build), {})[seen.uid] = None
    for (namespace, build), jobs in uids.items():
        if len(jobs) > 1:
            yield f"{namespace}/{build} had {len(jobs)} Jobs: {', '.join(jobs)}"


def _limits(plan: Plan, history: History) -> Iterator[str]:
    """Each limit is named once, at the first instant at which it was exceeded."""
    live: dict[str, JobSeen] = {}
    said: set[str] = set()
    gone = {(seen.namespace, seen.name): seen.revision for seen in history.builds if seen.deleted}
    for seen in in_order(history.jobs):
        if seen.deleted or seen.verdict:
            live.pop(seen.uid, None)
            continue
        live[seen.uid] = seen
        # The Job of a build that was deleted counts in its own namespace alone.
        owned = [job for job in live.values() if gone.get((job.namespace, job.build), seen.revision) >= seen.revision]
        for limit, text in _exceeded(plan, live, len(owned)):
            if limit not in said:
                said.add(limit)
                yield f"{text} at revision {seen.revision}: {', '.join(sorted(job.build for job in live.values()))}"


def _exceeded(plan: Plan, live: dict[str, JobSeen], owned: int) -> Iterator[tuple[str, str]]:
    if owned > plan.limit:
        yield "global", f"{owned} Jobs were live with a limit of {plan.limit}"
    share = plan.namespace_limit or plan.limit
    for namespace, count in Counter(job.namespace for job in live.values()).items():
        if count > share:
            yield namespace, f"{count} Jobs were live in {namespace} with a limit of {share}"
    for slot, count in Counter((job.namespace, job.key) for job in live.values() if job.key).items():
        if count > 1:
            yield "/".join(slot), f"{count} Jobs were live with the concurrencyKey {slot[1]} in {slot[0]}"
