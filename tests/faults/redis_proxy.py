"""A TCP proxy between one operator and Redis that knows the two points, ``turn`` and ``rebuild``, before and after."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable

from tests.faults.fault_box import FaultBox, pause
from tests.faults.naming import name_command
from tests.faults.plan import Do, When
from tests.faults.resp import Resp, words

_CHUNK = 64 * 1024


class _Cut(Exception):  # noqa: N818  # the end of one connection, not an error
    """This connection is cut."""


class RedisProxy:
    """The way of the operator ``name`` to the Redis on ``port``; ``kill`` ends the operator."""

    def __init__(self, name: str, port: int, faults: FaultBox, *, kill: Callable[[], Awaitable[None]]) -> None:
        self._name = name
        self._redis_port, self._faults, self._kill = port, faults, kill
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._refuses = False
        self.port = 0

    @property
    def url(self) -> str:
        """For the operator."""
        return f"redis://127.0.0.1:{self.port}/0"

    async def start(self) -> None:
        """Listen on a free port of the loopback address."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Cut everything and stop listening."""
        self.refuse()
        if self._server is not None:
            self._server.close()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def refuse(self) -> None:
        """Cut all connections, and each new one at once."""
        self._refuses = True
        for task in list(self._connections):
            task.cancel()

    def restore(self) -> None:
        """Take connections again."""
        self._refuses = False

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            if not self._refuses:
                await self._join(reader, writer)
        except (OSError, _Cut, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_redis = await asyncio.open_connection("127.0.0.1", self._redis_port)
        asked: deque[str] = deque()
        ways = [
            asyncio.create_task(self._requests(reader, to_redis[1], asked)),
            asyncio.create_task(self._replies(to_redis[0], writer, asked)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            to_redis[1].transport.abort()

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: deque[str]) -> None:
        stream = Resp()
        while data := await reader.read(_CHUNK):
            for value, raw in stream.feed(data):
                name = name_command(words(value))
                await self._at(name, When.BEFORE)
                asked.append(name)
                writer.write(raw)
            with contextlib.suppress(ConnectionError):
                await writer.drain()

    async def _replies(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: deque[str]) -> None:
        stream = Resp()
        while data := await reader.read(_CHUNK):
            for _, raw in stream.feed(data):
                name = asked.popleft() if asked else ""
                # A rebuild is done when its last command is answered.
                await self._at({"rebuild": "", "rebuild end": "rebuild"}.get(name, name), When.AFTER)
                writer.write(raw)
            await writer.drain()

    async def _at(self, point: str, when: When) -> None:
        fault = self._faults.due(point, when, by=self._name) if point else None
        if fault is None:
            return
        if fault.do is Do.SLOW:
            await pause(fault.seconds)
            return
        if fault.do is Do.KILL:
            await self._kill()
        raise _Cut
