"""What `publishbuild doctor` makes of what it has found: a line for each thing that a build needs."""

from __future__ import annotations

from collections.abc import Callable

from publishbuild.cli.views import cluster_checks, operator_checks
from publishbuild.cli.views.check import Check, Mark
from publishbuild.client.diagnosis import Findings

_AFTER_THE_SERVER: tuple[Callable[[Findings], Check], ...] = (
    cluster_checks.clock,
    cluster_checks.resource,
    cluster_checks.rights,
    operator_checks.operator,
    operator_checks.leader,
    operator_checks.queue,
    operator_checks.pauses,
    operator_checks.images,
    cluster_checks.policy,
)


def checks(found: Findings) -> tuple[Check, ...]:
    """All checks, in the order in which things are needed. Without an API server the first one is all."""
    first = cluster_checks.server(found)
    if first.mark is Mark.BAD:
        return (first,)
    return (first, *(check(found) for check in _AFTER_THE_SERVER))
