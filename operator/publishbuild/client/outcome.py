"""How a build ended, read from its conditions: programs never read the phase."""

from __future__ import annotations

from enum import StrEnum

from publishbuild.cluster.api import Object
from publishbuild.names import ConditionType, FailureReason


class Outcome(StrEnum):
    """How a build ended."""

    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


def outcome(build: Object) -> Outcome | None:
    """How the build ended; None while it has not."""
    succeeded = condition(build, ConditionType.SUCCEEDED)
    if succeeded.get("status") == "True":
        return Outcome.SUCCEEDED
    if succeeded.get("status") != "False":
        return None
    return Outcome.CANCELLED if succeeded.get("reason") == FailureReason.CANCELLED else Outcome.FAILED


def condition(build: Object, kind: str) -> Object:
    """The condition of that type, {} where there is none."""
    conditions = (build.get("status") or {}).get("conditions") or ()
    return next((found for found in conditions if found["type"] == kind), {})
