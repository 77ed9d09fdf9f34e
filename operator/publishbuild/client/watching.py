"""What is, and then each change: a watch that outlives lost connections and restarts of the API server."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from publishbuild.client.errors import (
    ForbiddenError,
    GoneError,
    NoResourceError,
    NotFoundError,
    PublishBuildError,
    RefusedError,
    UnauthorizedError,
)
from publishbuild.client.requests import Requests
from publishbuild.cluster.api import Object
from publishbuild.cluster.list_watch import Query

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.25, 10.0
# An API server that has just started may know neither the resource nor the rights.
PATIENCE_SECONDS = 60.0

_MAY_PASS_SOON = (ForbiddenError, NoResourceError, NotFoundError, RefusedError, UnauthorizedError)


@dataclass(frozen=True, slots=True)
class Change:
    """An object as it is now, or as it last was where ``deleted``."""

    build: Object
    deleted: bool = False


@dataclass
class Watching:
    """A watch of ``path``. ``on_trouble`` is told, in one line, where the connection is lost and not back at once.

    ``known``, by uid, is what its user has seen already: only what differs from it comes.
    """

    requests: Requests
    path: str
    query: Query
    on_trouble: Callable[[str], None] = lambda _: None
    known: dict[str, Object] = field(default_factory=dict)
    _version: str = ""
    _failures: int = 0
    _failing_since: float = 0.0

    async def changes(self) -> AsyncGenerator[Change, None]:
        """Each object as it is now; then each change, for ever.

        A gap is made good: what changed meanwhile comes as it is by then, and nothing comes twice.

        Raises:
            PublishBuildError: where nothing can be read at the start, or the right to read was lost for good.
        """
        for change in await self._listed():
            yield change
        while True:
            try:
                if not self._version:
                    for change in await self._listed():
                        yield change
                async with aclosing(self._streamed()) as stream:
                    async for change in stream:
                        yield change
            except GoneError:
                self._version = ""
            except PublishBuildError as error:
                await self._pause(error)

    async def _listed(self) -> list[Change]:
        """What differs from what is known, after a list of all."""
        items, version = await self.requests.list_all(self.path, self.query)
        found = {item["metadata"]["uid"]: item for item in items}
        gone = [Change(build, deleted=True) for uid, build in self.known.items() if uid not in found]
        new = [Change(build) for uid, build in found.items() if self._is_news(uid, build)]
        self.known, self._version, self._failures = found, version, 0
        return gone + new

    async def _streamed(self) -> AsyncGenerator[Change, None]:
        """The changes of one connection, to its end."""
        async with aclosing(self.requests.changes(self.path, self._version, self.query)) as changes:
            async for kind, obj in changes:
                self._version, self._failures = obj["metadata"]["resourceVersion"], 0
                if kind == "BOOKMARK":
                    continue
                uid, news = obj["metadata"]["uid"], self._is_news(obj["metadata"]["uid"], obj)
                if kind == "DELETED":
                    self.known.pop(uid, None)
                    yield Change(obj, deleted=True)
                elif news:
                    self.known[uid] = obj
                    yield Change(obj)

    def _is_news(self, uid: str, obj: Object) -> bool:
        known = self.known.get(uid)
        return known is None or known["metadata"]["resourceVersion"] != obj["metadata"]["resourceVersion"]

    async def _pause(self, error: PublishBuildError) -> None:
        if not self._failures:
            self._failing_since = time.monotonic()
        elif isinstance(error, _MAY_PASS_SOON) and time.monotonic() - self._failing_since > PATIENCE_SECONDS:
            raise error
        if self._failures == 1:  # a connection that is cut once, as by a balancer, is everyday life
            self.on_trouble(str(error))
        seconds = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(self._failures, 10))
        self._failures += 1
        await asyncio.sleep(seconds * (0.5 + random.random() / 2))  # noqa: S311  # spreads clients, guards nothing
