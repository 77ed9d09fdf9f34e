"""The conditions of each state, so that kstatus, Argo CD and ``kubectl wait`` agree with what people read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from publishbuild.models.status import Condition
from publishbuild.names import ConditionType
from publishbuild.printable import printable_lines

Status = Literal["True", "False", "Unknown"]

# The API server's words can be of any length, and quote anybody's; the CRD takes 32768 characters.
_MESSAGE_LENGTH = 4096


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said of a build: ``succeeded`` Unknown while it is under way."""

    succeeded: Status
    reason: str
    message: str


def conditions(
    before: tuple[Condition, ...], verdict: Verdict, *, generation: int, now: datetime
) -> tuple[Condition, ...]:
    """The whole list of conditions. The transition time moves only where the status changes."""
    known = {condition.type: condition for condition in before}

    def made(kind: ConditionType, status: Status) -> Condition:
        old = known.get(kind)
        since = old.last_transition_time if old is not None and old.status == status else now
        return Condition(
            type=kind,
            status=status,
            reason=verdict.reason,
            message=printable_lines(verdict.message)[:_MESSAGE_LENGTH],
            last_transition_time=since,
            observed_generation=generation,
        )

    first = (
        made(ConditionType.SUCCEEDED, verdict.succeeded),
        made(ConditionType.READY, "True" if verdict.succeeded == "True" else "False"),
    )
    if verdict.succeeded == "Unknown":
        return (*first, made(ConditionType.RECONCILING, "True"))
    if verdict.succeeded == "False":
        return (*first, made(ConditionType.STALLED, "True"))
    return first
