"""All that a decision may ask for. `publishbuild.reconcile` carries the actions out in their order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from publishbuild.models.status import PublishBuildStatus
from publishbuild.names import EventReason


@dataclass(frozen=True, slots=True)
class Enqueue:
    """The build waits for a place, in the order of ``member`` (see `publishbuild.decide.order`)."""

    member: str


@dataclass(frozen=True, slots=True)
class ReleasePlace:
    """The build neither waits nor needs its claim any more."""


@dataclass(frozen=True, slots=True)
class LaunchJob:
    """Create the build's one Job. That it exists already is success."""

    manifest: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DeleteJob:
    """Delete the Job of that uid and wait for its pods to end (foreground)."""

    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class SetJobTtl:
    """Let Kubernetes remove the Job this many seconds after its end."""

    name: str
    seconds: int


@dataclass(frozen=True, slots=True)
class ReportStatus:
    """Write this status, the last write of a pass."""

    status: PublishBuildStatus


@dataclass(frozen=True, slots=True)
class EmitEvent:
    """Post an Event on the build, after its status is written."""

    reason: EventReason
    message: str
    type: Literal["Normal", "Warning"] = "Normal"


@dataclass(frozen=True, slots=True)
class WakeAfter:
    """Decide again after this many seconds, since time alone may change the answer."""

    seconds: float


Action = Enqueue | ReleasePlace | LaunchJob | DeleteJob | SetJobTtl | ReportStatus | EmitEvent | WakeAfter
