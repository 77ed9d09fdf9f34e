"""One build as the store remembers it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from publishbuild.cluster.json_bytes import json_bytes
from publishbuild.decide.facts import JobFacts, PodFacts
from publishbuild.names import slot_of

Object = dict[str, Any]

_DROPPED_METADATA = ("managedFields", "annotations", "labels", "selfLink", "finalizers")


class Record:
    """One build as last seen, without the metadata that no decision needs, and the pods that name it.

    One that has ended is kept as bytes, a fifth of the memory: there are thousands of those, and few are asked for.
    """

    __slots__ = (
        "_build", "created", "first_seen", "has_ended", "is_settled", "namespace", "pods", "slot", "version",
    )  # fmt: skip

    def __init__(self, build: Object, first_seen: datetime) -> None:
        metadata = build["metadata"]
        self.first_seen = first_seen
        self.namespace: str = metadata["namespace"]
        self.created: str = metadata["creationTimestamp"]
        self.slot = slot_of(self.namespace, (build.get("spec") or {}).get("concurrencyKey"))
        """``namespace:key`` of its concurrency key, None without one. Neither ever changes."""
        self.pods: dict[str, PodFacts] = {}
        self.update(build)

    def update(self, build: Object) -> None:
        """Take in the build as it is now."""
        slim = _slim(build)
        self.version = int(slim["metadata"]["resourceVersion"])
        status, generation = slim["status"], slim["metadata"].get("generation")
        self.has_ended = _has_ended(status)
        """Whether its outcome is on record."""
        self.is_settled = self.has_ended and status.get("observedGeneration") == generation
        """Whether its status says all that it ever will: without a Job, nothing is left to do."""
        self._build: Object | bytes = json_bytes(slim) if self.has_ended else slim

    @property
    def build(self) -> Object:
        """The build, slim; not to be changed."""
        if isinstance(self._build, bytes):
            build: Object = orjson.loads(self._build)
            return build
        return self._build

    def owns(self, child: JobFacts | PodFacts) -> bool:
        """Whether a Job or pod that names this build lies where its Job and pods do: in its own namespace."""
        return child.namespace == self.namespace

    @property
    def age(self) -> tuple[str, datetime]:
        """Sorts builds from old to new; the API server's times have whole seconds only."""
        return self.created, self.first_seen


def _has_ended(status: Object) -> bool:
    conditions = status.get("conditions") or ()
    return any(c.get("type") == "Succeeded" and c.get("status") != "Unknown" for c in conditions)


def _slim(build: Object) -> Object:
    metadata = {key: value for key, value in build["metadata"].items() if key not in _DROPPED_METADATA}
    return {"metadata": metadata, "spec": build.get("spec") or {}, "status": build.get("status") or {}}
