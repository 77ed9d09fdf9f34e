"""Follows the Jobs and pods of builds, from a list on, and hands each change on.

kopf watches the PublishBuilds (`publishbuild.handlers`). Jobs and pods change far more often, and what kopf prepares
for each event cost more than all that was then done with it (decision 0016).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import structlog

from publishbuild.cluster.api import GONE, ApiError, Object
from publishbuild.cluster.loop_time import LoopTime
from publishbuild.cluster.objects import Cluster
from publishbuild.cluster.set_aside import SetAside

log = structlog.get_logger(__name__)

FIRST_RETRY_SECONDS = 0.2
LONGEST_RETRY_SECONDS = 15.0

OnChange = Callable[[str, Object, bool], None]
Relist = Callable[[str], Awaitable[int]]


class Watch:
    """One resource in one namespace, "" for all.

    ``on_change`` gets the resource, an object and whether it was deleted. ``relist`` is awaited where changes may have
    been missed: it takes in a whole list of the resource, and answers with the list's resourceVersion.
    """

    def __init__(
        self,
        cluster: Cluster,
        resource: str,
        namespace: str,
        *,
        on_change: OnChange,
        relist: Relist,
        set_aside: SetAside | None = None,
    ) -> None:
        self._cluster = cluster
        self._resource = resource
        self._namespace = namespace
        self._on_change = on_change
        self._relist = relist
        self._set_aside = set_aside or SetAside()
        self._version = 0
        self._failures = 0

    async def run(self, version: int) -> None:
        """Hand on what changes after ``version``, for ever, whatever ends a connection."""
        self._version = version
        while True:
            try:
                await self._follow()
            except ApiError as error:
                if error.status == GONE:
                    self._version = 0
                await self._back_off(error)

    async def _follow(self) -> None:
        """One connection, to its end."""
        if not self._version:
            self._version = await self._relist(self._resource)
        async with aclosing(self._cluster.changes(self._resource, self._namespace, self._version)) as changes:
            loop_time = LoopTime()
            async for kind, obj in changes:
                self._failures = 0
                self._version = int(obj["metadata"]["resourceVersion"])
                if kind != "BOOKMARK":
                    with self._set_aside.reading(self._resource, obj):
                        self._on_change(self._resource, obj, kind == "DELETED")
                # A burst that is read in one go must not hold the loop.
                await loop_time.share()

    async def _back_off(self, error: ApiError) -> None:
        self._failures += 1
        seconds = min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0 ** min(self._failures - 1, 10))
        if self._failures > 1:  # one that was cut, as by a restart or a balancer, is everyday life
            log.warning("watch ended, starts again", resource=self._resource, error=str(error), seconds=seconds)
        await asyncio.sleep(seconds)
