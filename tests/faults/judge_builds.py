"""Promise 5: a terminal status is right, is written once and never changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.faults.expected import allowed, attempts_of
from tests.faults.history import BuildSeen, History, JobSeen
from tests.faults.plan import Act, BuildPlan, Plan

Object = dict[str, Any]

_FINAL = ("phase", "completionTime", "attempts", "failedAttempts", "failure", "job", "startTime")


def outcomes(plan: Plan, history: History) -> Iterator[str]:
    """A sentence for each status that is wrong or changed after its end."""
    for build in plan.builds:
        seen = sorted((seen for seen in history.builds if seen.name == build.name), key=lambda seen: seen.revision)
        final = next((one for one in seen if ending(one.status)), None)
        if final is None:
            continue
        yield from _changes(build, final, seen)
        jobs = [job for job in sorted(history.jobs, key=lambda job: job.revision) if job.build == build.name]
        yield from _wrong(plan, build, final.status, jobs)


def ending(status: Object) -> Object | None:
    """The Succeeded condition, once it is True or False."""
    for condition in status.get("conditions") or ():
        if condition["type"] == "Succeeded" and condition["status"] != "Unknown":
            found: Object = condition
            return found
    return None


def _changes(build: BuildPlan, final: BuildSeen, seen: list[BuildSeen]) -> Iterator[str]:
    fixed = _fixed(final.status)
    for later in seen:
        if later.revision > final.revision and _fixed(later.status) != fixed:
            names = [key for key in fixed if fixed[key] != _fixed(later.status)[key]]
            yield (
                f"{build.name} had ended as {final.status.get('phase')} and its status changed afterwards: "
                f"{', '.join(names)} (phase {later.status.get('phase')})"
            )
            return


def _fixed(status: Object) -> Object:
    condition = ending(status) or {}
    said = {key: condition.get(key) for key in ("status", "reason", "message", "lastTransitionTime")}
    return {**{key: status.get(key) for key in _FINAL}, "Succeeded": said}


def _wrong(plan: Plan, build: BuildPlan, status: Object, jobs: list[JobSeen]) -> Iterator[str]:
    condition = ending(status) or {}
    end = (str(status.get("phase")), str(condition.get("reason")))
    if end not in allowed(plan, build):
        yield f"{build.name} ended as {_said(end)}, its pods and its users allow {_list(allowed(plan, build))}"
        return
    counts = (status.get("attempts"), len(status.get("failedAttempts") or ()))
    right = attempts_of(plan, build)
    if right is not None and counts != right:
        yield (
            f"{build.name} says {counts[0]} attempts and {counts[1]} failed ones, there were {right[0]} and {right[1]}"
        )
    if not jobs:
        if end[1] not in ("QueueTimeout", "Cancelled"):
            yield f"{build.name} ended as {_said(end)} though it never had a Job"
        return
    if end[1] == "QueueTimeout":
        yield f"{build.name} ended as {_said(end)} though it had a Job"
    recorded = (status.get("job") or {}).get("uid")
    if recorded not in {job.uid for job in jobs} and end[1] != "QueueTimeout" and recorded is not None:
        yield f"{build.name} names a Job of uid {recorded} that never was"
    verdict = next((job.verdict for job in jobs if job.verdict), "")
    untouched = not plan.acts_on(build.name) & {Act.DELETE_JOB, Act.DELETE_POD}
    if verdict and untouched and end[1] != "Cancelled" and end[1] != _reason_of(verdict):
        yield f"{build.name} ended as {_said(end)}, its Job as {verdict}"
    if verdict == "Complete" and end[1] == "Cancelled":
        yield f"{build.name} ended as {_said(end)}, though its Job was complete: it was published"


def _reason_of(verdict: str) -> str:
    return "Succeeded" if verdict == "Complete" else verdict


def _said(end: tuple[str, str]) -> str:
    return end[0] if end[0] == end[1] else f"{end[0]} ({end[1]})"


def _list(ends: frozenset[tuple[str, str]]) -> str:
    return " or ".join(sorted(_said(end) for end in ends))
