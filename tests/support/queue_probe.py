"""Whether the queue works on a Redis, and an address whose Redis can be exchanged."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self

from publishbuild.build_queue.redis_queue import QueueUnavailableError, RedisQueue, StaleIndexError
from publishbuild.decide.order import Room
from tests.support.redis_servers import Server

ROOM = Room(places=1, namespace_limit=0, running={}, busy=(), turns={"a": 0})
WAITING = {uid: f"a:1000:00000000001:0000000000000000{n}:{uid}:" for n, uid in enumerate("xyz")}


async def works(queue: RedisQueue) -> bool:
    """Rebuild and turn, as the dispatcher does after a failure: whether builds can be claimed again."""
    try:
        await queue.rebuild(WAITING, now=0)
        return (await queue.turn(ROOM, now=0)).claimed == ["x"]
    except (QueueUnavailableError, StaleIndexError):
        return False


class Service:
    """One address whose connections go to ``target``, as a Kubernetes Service's or a DNS name's do."""

    def __init__(self, target: Server) -> None:
        self.target = target
        self.port = 0
        self._connections: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.append(asyncio.create_task(self._forward(reader, writer)))

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            back, on = await asyncio.open_connection("127.0.0.1", self.target.port)
        except OSError:
            writer.close()
        else:
            await asyncio.gather(_pump(reader, on), _pump(back, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()
            await writer.wait_closed()
