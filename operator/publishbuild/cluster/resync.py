"""Lists everything now and then and compares by uid: whatever a watch missed is found within one period."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from publishbuild.cluster.api import ApiError
from publishbuild.cluster.loop_time import LoopTime
from publishbuild.cluster.objects import BUILDS, JOBS, PODS, Cluster
from publishbuild.cluster.store import Store

log = structlog.get_logger(__name__)

PROBE_SECONDS = 15.0
FIRST_RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 15.0
# Jobs and pods first: a build that has a Job must never be looked at as if it had none.
_ORDER = (JOBS, PODS, BUILDS)


class Resync:
    """The level under the edges; also the one who knows when the API server answered last."""

    def __init__(self, cluster: Cluster, store: Store, *, seconds: float, clock: Callable[[], float]) -> None:
        self._cluster = cluster
        self._store = store
        self._seconds = seconds
        self._clock = clock
        self.last_success: float | None = None
        self.versions: dict[str, int] = {}

    async def first(self) -> None:
        """List until it has succeeded once, however long the API server or the CRD takes to come."""
        wait = FIRST_RETRY_SECONDS
        while not await self._try():
            await asyncio.sleep(wait)
            wait = min(LONGEST_RETRY_SECONDS, wait * 2)

    async def run(self) -> None:
        """List every period, and probe in between so that a silent API server is noticed."""
        due = self._clock() + self._seconds
        while True:
            await asyncio.sleep(min(PROBE_SECONDS, max(0.0, due - self._clock())))
            if self._clock() >= due:
                # A list that failed is not put off for a whole period.
                again = self._seconds if await self._try() else min(self._seconds, LONGEST_RETRY_SECONDS)
                due = self._clock() + again
            else:
                await self._probe()

    def heard(self) -> None:
        """A watch brought something: the API server answers."""
        self.last_success = self._clock()

    async def list(self, resource: str) -> int:
        """Take in all objects of ``resource``; the resourceVersion at which they were so. Raises `ApiError`."""
        objects, version = await self._cluster.list_all(resource)
        loop_time = LoopTime(self._clock)
        for _ in self._store.replace(resource, objects, version):
            await loop_time.share()
        self.versions[resource] = version
        return version

    async def _try(self) -> bool:
        try:
            for resource in _ORDER:
                await self.list(resource)
        except ApiError as error:
            log.warning("list failed", error=str(error), hint=_hint(error))
            return False
        self.heard()
        # Whatever bell was lost, each build that has not ended is looked at once a period.
        self._store.ring_unended()
        return True

    async def _probe(self) -> None:
        try:
            await self._cluster.probe()
        except ApiError as error:
            log.warning("the API server does not answer", error=str(error))
        else:
            self.heard()


def _hint(error: ApiError) -> str | None:
    if error.status == 404:  # noqa: PLR2004  # HTTP's own number
        return "is the CRD installed? kubectl apply -f crds/"
    if error.status == 403:  # noqa: PLR2004
        return "the operator's ServiceAccount may not list this: see its Role"
    return None
