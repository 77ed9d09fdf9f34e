"""Reads the log of one pod, through lost connections."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from publishbuild.cli.output import remark
from publishbuild.names import RUNNER_CONTAINER

if TYPE_CHECKING:
    from publishbuild.client import Client

RETRY_SECONDS = 1.0
PATIENCE_SECONDS = 60.0


class Read(Enum):
    """How the reading of a pod's log has ended."""

    WHOLE = "whole"
    GONE = "gone"
    NOT_YET = "the container has not started"
    LOST = "the node or the API server did not answer for too long"


@dataclass
class PodLog:
    """The log of a container; ``say`` is given each line once, without those before the last ``tail`` ones.

    Where a connection was lost the lines told so far are counted off, so none comes twice. (A log that the node has
    cut meanwhile, at 10 MiB as a rule, loses lines that way.)
    """

    client: Client
    namespace: str
    pod: str
    say: Callable[[str], None]
    follow: bool = False
    tail: int | None = None
    container: str = RUNNER_CONTAINER
    on_trouble: Callable[[str], None] = remark
    _told: int = 0
    _failing_since: float | None = field(default=None, init=False)

    async def read(self) -> Read:
        """Tell it; with ``follow`` to the end of its container.

        Raises:
            PublishBuildError: where it cannot be read at once and is not followed.
        """
        from publishbuild.client import (  # noqa: PLC0415  # `--help` needs none of it
            NoClusterError,
            NotFoundError,
            RefusedError,
            UnavailableError,
        )

        while True:
            try:
                return await self._read()
            except NotFoundError:
                return Read.GONE
            except RefusedError:
                return Read.NOT_YET
            except (NoClusterError, UnavailableError) as lost:
                if not self.follow:
                    raise
                if self._is_too_long(str(lost)):
                    return Read.LOST
                await asyncio.sleep(RETRY_SECONDS)

    async def _read(self) -> Read:
        if self.tail is not None and not self._told:
            await self._tell_tail(self.tail)
            if not self.follow:
                return Read.WHOLE
        number = 0
        async with aclosing(self._lines(follow=self.follow)) as lines:
            async for line in lines:
                self._failing_since = None
                number += 1
                if number > self._told:
                    self._told = number
                    self.say(line)
        return Read.WHOLE

    async def _tell_tail(self, most: int) -> None:
        last: deque[str] = deque(maxlen=most)
        number = 0
        async with aclosing(self._lines()) as lines:
            async for line in lines:
                last.append(line)
                number += 1
        for line in last:
            self.say(line)
        self._told = number

    def _lines(self, *, follow: bool = False) -> AsyncGenerator[str, None]:
        return self.client.pods.log(self.namespace, self.pod, container=self.container, follow=follow)

    def _is_too_long(self, error: str) -> bool:
        now = time.monotonic()
        if self._failing_since is None:
            self._failing_since = now
            self.on_trouble(f"{error}; trying again")
        return now - self._failing_since > PATIENCE_SECONDS
