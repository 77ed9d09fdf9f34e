"""How the builds of a plan may end: from what their pods do and what users do to them. Pure."""

from __future__ import annotations

from tests.faults.plan import Act, BuildPlan, Outcome, Plan

Verdict = tuple[str, str]

_NATURAL: dict[Outcome, Verdict] = {
    Outcome.SUCCEED: ("Succeeded", "Succeeded"),
    Outcome.RETRY: ("Succeeded", "Succeeded"),
    Outcome.FAIL: ("Failed", "BackoffLimitExceeded"),
    Outcome.GIVE_UP: ("Failed", "PodFailurePolicy"),
}


def allowed(plan: Plan, build: BuildPlan) -> frozenset[Verdict]:
    """How the build may end: (phase, reason of its Succeeded condition)."""
    acts = plan.acts_on(build.name)
    ends: set[Verdict] = set()
    if build.outcome is not Outcome.HOLD:
        ends.add(_NATURAL[build.outcome])
    if build.run_timeout is not None:
        ends.add(("Failed", "DeadlineExceeded"))
        if build.backoff_limit == 0:
            # The Job controller's own doing, without an operator too: docs/reliability.md.
            ends.add(("Failed", "BackoffLimitExceeded"))
    if build.queue_timeout is not None:
        ends.add(("Failed", "QueueTimeout"))
    if Act.CANCEL in acts or _may_be_superseded(plan, build):
        ends.add(("Cancelled", "Cancelled"))
    if Act.DELETE_JOB in acts:
        ends.add(("Failed", "JobDeleted"))
    if Act.DELETE_POD in acts:
        ends.add(("Failed", "BackoffLimitExceeded"))
    return frozenset(ends)


def attempts_of(plan: Plan, build: BuildPlan) -> tuple[int, int] | None:
    """Attempts and failed attempts of a build that ends by its pods alone; None where that cannot be said."""
    if plan.acts_on(build.name) - {Act.RESUME, Act.PRIORITIZE} or len(allowed(plan, build)) != 1:
        return None
    match build.outcome:
        case Outcome.SUCCEED:
            return 1, 0
        case Outcome.RETRY:
            return 2, 1
        case Outcome.FAIL:
            return build.backoff_limit + 1, build.backoff_limit + 1
        case Outcome.GIVE_UP:
            return 1, 1
    return None


def _may_be_superseded(plan: Plan, build: BuildPlan) -> bool:
    return build.key is not None and any(
        other.cancel_previous and other.key == build.key and other.namespace == build.namespace and other is not build
        for other in plan.builds
    )
