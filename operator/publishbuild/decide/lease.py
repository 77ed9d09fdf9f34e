"""Who may lead, decided from a Lease and from how long it has stood still on this process's own clock.

Times written by other machines are never compared with ours: a lease counts as run out when the record itself has not
changed for its whole duration while we watched. That is slower than trusting clocks, and right when they differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from publishbuild.models.base import rfc3339_micro

# A leader that cannot renew stops acting after RENEW, well before anybody else may take over after DURATION.
DURATION_SECONDS = 10
RENEW_DEADLINE_SECONDS = 6.0
# A loop that has not answered for that long counts as hung. Reading a large cluster keeps it busy for a few seconds.
LOOP_SECONDS = 20.0
RETRY_SECONDS = 1.0
# How often a standby looks: what it takes to notice that a lease was given back.
STANDBY_SECONDS = 0.5

Lease = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """A Lease and since when, in seconds of our own clock, it has not changed."""

    version: str
    holder: str
    duration: float
    since: float

    @classmethod
    def read(cls, lease: Lease, before: Seen | None, now: float) -> Seen:
        """``lease`` as read at ``now``; the same version as ``before`` has stood still since then."""
        version, spec = lease["metadata"]["resourceVersion"], lease.get("spec") or {}
        if before is not None and before.version == version:
            return before
        duration = float(spec.get("leaseDurationSeconds") or DURATION_SECONDS)
        return cls(version, spec.get("holderIdentity") or "", duration, now)

    def is_free(self, identity: str, now: float) -> bool:
        """Whether ``identity`` may take it: nobody holds it, we do, or it has stood still for its duration."""
        return self.holder in ("", identity) or now - self.since >= self.duration


def taken(lease: Lease, identity: str, moment: datetime) -> Lease:
    """``lease`` as held by ``identity`` from ``moment`` on, or renewed by it."""
    spec = dict(lease.get("spec") or {})
    if spec.get("holderIdentity") != identity:
        spec["leaseTransitions"] = int(spec.get("leaseTransitions") or 0) + 1
        spec["acquireTime"] = rfc3339_micro(moment)
    spec |= {
        "holderIdentity": identity,
        "leaseDurationSeconds": DURATION_SECONDS,
        "renewTime": rfc3339_micro(moment),
    }
    return lease | {"spec": spec}


def released(lease: Lease, moment: datetime) -> Lease:
    """``lease`` held by nobody, so that a standby takes it at its next look."""
    spec = dict(lease.get("spec") or {}) | {
        "holderIdentity": "",
        "leaseDurationSeconds": 1,
        "renewTime": rfc3339_micro(moment),
    }
    return lease | {"spec": spec}


def fresh(namespace: str, name: str, identity: str, moment: datetime) -> Lease:
    """A Lease that ``identity`` makes and holds, where there was none."""
    empty = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"namespace": namespace, "name": name},
    }
    return taken(empty, identity, moment)
