"""Looks at the annotations of Namespaces now and then.

An operator for the whole cluster also watches them, so its looks only make good what a watch missed. One that is given
its namespaces may not watch (a Role cannot grant it), so its looks are all that it has, and they are frequent.
"""

from __future__ import annotations

import asyncio

import structlog

from publishbuild.cluster.api import FORBIDDEN, ApiError
from publishbuild.cluster.objects import Cluster
from publishbuild.cluster.pauses import Pauses

log = structlog.get_logger(__name__)

UNWATCHED_SECONDS = 3.0
RETRY_SECONDS = 1.0


class PauseLook:
    """Keeps `Pauses` true; ``own`` is the operator's namespace and ``seconds`` the time between two looks."""

    def __init__(self, cluster: Cluster, pauses: Pauses, *, own: str, seconds: float) -> None:
        self._cluster = cluster
        self._pauses = pauses
        self._own = own
        self._seconds = seconds
        self._warned = False

    async def first(self) -> None:
        """Look until it is known what is paused; an operator that may not look takes nothing as paused."""
        while not await self._look():  # noqa: ASYNC110  # asks the API server; nobody here can set an event
            await asyncio.sleep(RETRY_SECONDS)

    async def run(self) -> None:
        """Look again and again."""
        while True:
            await asyncio.sleep(self._seconds)
            await self._look()

    async def _look(self) -> bool:
        try:
            self._pauses.replace(await self._cluster.namespaces(self._own))
        except ApiError as error:
            if not self._warned:
                hint = "it may not get namespaces: see its Role" if error.status == FORBIDDEN else None
                log.warning("cannot see which namespaces are paused", error=str(error), hint=hint)
            self._warned = True
            return error.status == FORBIDDEN
        self._warned = False
        return True
