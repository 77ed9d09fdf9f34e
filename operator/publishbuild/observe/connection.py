"""One connection of a port: a single request within its deadlines, its body read only once a handler asks for it.

It stands between the socket and aiohttp, which reads what comes as fast as it comes, for as long as it comes. Here
aiohttp sees a request once its head is whole, and never more than that one: what was sent behind it waits in the
kernel, so a connection that is held open costs its head alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from publishbuild.observe.connections import Connections

END_OF_HEAD = b"\r\n\r\n"
# Read into by each connection in turn, and never kept.
_PIECE = bytearray(4096)


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one request: bytes of its head, seconds until the head is whole, and from then until it is answered."""

    head_bytes: int = 8192
    head_seconds: float = 5.0
    answer_seconds: float = 10.0


class Connection(asyncio.BufferedProtocol):
    """``make`` gives aiohttp's own protocol, which is made once there is a request for it."""

    def __init__(self, make: Callable[[], asyncio.Protocol], connections: Connections, limits: Limits) -> None:
        self._make = make
        self._connections = connections
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._transport: Any = None
        self._deadline: asyncio.TimerHandle | None = None
        self._inner: asyncio.Protocol | None = None
        self._head = bytearray()
        self._held = b""
        self._wanted = 0
        self._thrown_away: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A peer has connected."""
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self._end_within(self._limits.head_seconds)
        self._connections.admit(self, str(peer[0]) if peer else "")

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002  # asyncio's
        """Where the next bytes go."""
        return _PIECE

    def buffer_updated(self, nbytes: int) -> None:
        """Some bytes have come."""
        piece = bytes(memoryview(_PIECE)[:nbytes])
        if self._inner is None:
            self._read_head(piece)
        else:
            self._read_body(piece)

    def _read_head(self, piece: bytes) -> None:
        start = max(0, len(self._head) - len(END_OF_HEAD))
        self._head += piece
        end = self._head.find(END_OF_HEAD, start)
        if max(end, len(self._head) if end < 0 else 0) > self._limits.head_bytes:
            self.drop("head too long")
        elif end >= 0:
            head, self._held = bytes(self._head[: end + len(END_OF_HEAD)]), bytes(self._head[end + len(END_OF_HEAD) :])
            self._head.clear()
            self._transport.pause_reading()
            self._end_within(self._limits.answer_seconds)
            self._inner = self._make()
            self._inner.connection_made(self._transport)
            self._inner.data_received(head)

    def read_body(self, length: int) -> None:
        """Let aiohttp read the ``length`` bytes of the request's body."""
        self._want(length)

    async def throw_away(self, length: int, seconds: float) -> None:
        """Let the peer send the ``length`` bytes of a body that nobody reads: it hears of an answer only after them."""
        self._thrown_away = self._loop.create_future()
        self._want(length)
        await asyncio.wait({self._thrown_away}, timeout=seconds)

    def _want(self, length: int) -> None:
        self._wanted = length
        held, self._held = self._held, b""
        self._read_body(held)
        if self._wanted > 0 and not self._transport.is_closing():
            self._transport.resume_reading()

    def _read_body(self, piece: bytes) -> None:
        piece = piece[: self._wanted]
        self._wanted -= len(piece)
        if self._wanted == 0 and self._transport.is_reading():
            self._transport.pause_reading()
        if self._thrown_away is None:
            if piece and self._inner is not None:
                self._inner.data_received(piece)
        elif self._wanted == 0 and not self._thrown_away.done():
            self._thrown_away.set_result(None)

    def eof_received(self) -> None:
        """The peer sends nothing more; the transport closes."""
        if self._inner is not None:
            self._inner.eof_received()

    def pause_writing(self) -> None:
        """The peer reads too slowly."""
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        """The peer reads again."""
        if self._inner is not None:
            self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed."""
        self._connections.forget(self)
        if self._deadline is not None:
            self._deadline.cancel()
        if self._thrown_away is not None and not self._thrown_away.done():
            self._thrown_away.set_result(None)
        inner, self._inner = self._inner, None
        if inner is not None:
            inner.connection_lost(exc)

    def drop(self, reason: str) -> None:
        """Close at once, whatever is under way."""
        self._connections.dropped[reason] += 1
        self._connections.forget(self)
        self._transport.abort()

    def _end_within(self, seconds: float) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self._loop.call_later(seconds, self.drop, "deadline")
