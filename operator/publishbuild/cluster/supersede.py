"""Which builds a newer one with the same concurrency key stops (concurrencyPolicy CancelPrevious)."""

from __future__ import annotations

from publishbuild.cluster.api import Object
from publishbuild.cluster.store import Store
from publishbuild.models.spec import ConcurrencyPolicy


def superseded_by(store: Store, uid: str) -> str | None:
    """The name of a newer build that stops the build of that uid, unless it was itself stopped; None for none."""
    record = store.record(uid)
    for other in store.same_slot(record) if record else ():
        # The age first: to read a build that has ended costs as much as all the rest.
        if record and other.age > record.age and _cancels_others(other.build):
            return str(other.build["metadata"]["name"])
    return None


def _cancels_others(build: Object) -> bool:
    spec = build["spec"]
    cancels = spec.get("concurrencyPolicy") == ConcurrencyPolicy.CANCEL_PREVIOUS and not spec.get("cancel")
    return cancels and "deletionTimestamp" not in build["metadata"]
