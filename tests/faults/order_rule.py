"""Promise 4 as far as it can be judged from outside: within a namespace, higher priorities are launched first.

Only builds are compared that all operators knew from their first list on, that nothing but their turn kept waiting, and
whose own requests met no fault. Builds launched in one turn are sent at once, in any order; a turn hands out at most
``limit`` places, and each term of a leader may end in the middle of one. So a build may be overtaken by ``limit - 1``
of lower priority in each term, and by no more.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.faults.history import History
from tests.faults.plan import BuildPlan, Plan


def out_of_order(plan: Plan, history: History) -> Iterator[str]:
    """A sentence for each build that was overtaken too often."""
    tried: dict[str, int] = {}
    for write in sorted(history.writes, key=lambda write: write.order):
        if write.point == "create job":
            tried.setdefault(write.build, write.order)
    terms = len({write.writer for write in history.writes if write.holder == write.writer})
    slack = (plan.limit - 1) * max(1, terms)
    builds = [build for build in plan.builds if _comparable(plan, build) and build.name not in history.harmed]
    for build in builds:
        overtook = [
            other.name
            for other in builds
            if other.namespace == build.namespace
            and other.priority < build.priority
            and other.name in tried
            and tried[other.name] < tried.get(build.name, 1 << 60)
        ]
        if len(overtook) > slack:
            yield (
                f"{build.name} (priority {build.priority}) was overtaken by {len(overtook)} builds of lower priority, "
                f"at most {slack} can be: {', '.join(overtook)}"
            )


def _comparable(plan: Plan, build: BuildPlan) -> bool:
    waits_for_more = build.key or build.suspended or build.queue_timeout is not None
    return build.at == 0 and not waits_for_more and not plan.acts_on(build.name)
