"""The sockets of a connection pool, so that who closes the pool can wait until the last of them is closed.

aiohttp forgets a connection as soon as it begins to close it (after a request that was cancelled or took too long, or
an idle connection that became too old), and TLS's goodbye may then take half a minute. A short program's event loop
ends before, and the socket stays open until the garbage collector finds it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Any

# A goodbye is ended from this side, so that only callbacks of this loop are waited for.
_CLOSE_SECONDS = 2.0


class Sockets:
    """Makes sockets, and knows which of them are open. For the thread of one event loop."""

    def __init__(self) -> None:
        self._open: set[socket.socket] = set()
        self._all_closed = asyncio.Event()

    def make(self, address: tuple[Any, ...]) -> socket.socket:
        """A socket for an answer of ``getaddrinfo``: aiohttp's ``socket_factory``."""
        family, kind, protocol, _, _ = address
        made = _Socket(family, kind, protocol, on_close=self._closed)
        self._open.add(made)
        return made

    async def aclose(self) -> None:
        """End what is still being closed, and return once all are."""
        for one in self._open:
            with contextlib.suppress(OSError):  # not connected yet, or not any more
                one.shutdown(socket.SHUT_RDWR)
        self._all_closed.clear()
        if self._open:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await self._all_closed.wait()

    def _closed(self, one: socket.socket) -> None:
        self._open.discard(one)
        if not self._open:
            self._all_closed.set()


class _Socket(socket.socket):
    """A socket that tells when it is closed."""

    def __init__(self, family: int, kind: int, protocol: int, *, on_close: Callable[[socket.socket], None]) -> None:
        super().__init__(family, kind, protocol)
        self._on_close = on_close

    def close(self) -> None:
        super().close()
        self._on_close(self)
