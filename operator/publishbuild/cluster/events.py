"""Events on PublishBuilds: posted after the status they speak of was written, beside the work and never in its way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog

from publishbuild import names
from publishbuild.cluster.api import ApiError, Object
from publishbuild.cluster.objects import Cluster
from publishbuild.decide.actions import EmitEvent
from publishbuild.models.base import rfc3339_micro

log = structlog.get_logger(__name__)

_MOST_WAITING = 10_000
_NOTE_BYTES = 1024


class Events:
    """A bounded line of Events; one that cannot be posted is logged and dropped, since the status says it all."""

    def __init__(self, cluster: Cluster, clock: Callable[[], datetime], identity: str) -> None:
        self._cluster = cluster
        self._clock = clock
        self._identity = identity
        self._stamp = 0
        self._line: asyncio.Queue[Object] = asyncio.Queue(_MOST_WAITING)

    def post(self, build: Object, event: EmitEvent) -> None:
        """Post ``event`` on ``build`` soon."""
        metadata, now = build["metadata"], self._clock()
        # Two Events of one moment have two names.
        self._stamp = stamp = max(self._stamp + 1, int(now.timestamp() * 1_000_000))
        body = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {
                "namespace": metadata["namespace"],
                "name": f"{metadata['name']}.{stamp:x}-{event.reason.lower()}",
            },
            "eventTime": rfc3339_micro(now),
            "reportingController": f"{names.GROUP}/operator",
            "reportingInstance": self._identity,
            "action": event.reason.value,
            "reason": event.reason.value,
            "type": event.type,
            "note": event.message.encode()[:_NOTE_BYTES].decode(errors="ignore"),
            "regarding": {
                "apiVersion": names.API_VERSION,
                "kind": names.KIND,
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
            },
        }
        try:
            self._line.put_nowait(body)
        except asyncio.QueueFull:
            log.warning("event dropped: too many wait", build=metadata["name"], reason=event.reason)

    async def deliver(self) -> None:
        """Post what is in the line, for ever."""
        while True:
            body = await self._line.get()
            try:
                await self._cluster.post_event(body)
            except ApiError as error:
                log.warning("event not posted", name=body["metadata"]["name"], error=str(error))
            finally:
                self._line.task_done()

    async def delivered(self) -> None:
        """Wait until the line is empty."""
        await self._line.join()
