"""Many connections at once, from the loopback's addresses to one of its ports."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator


@contextlib.contextmanager
def flooded(port: int, said: bytes, *, count: int, peers: int) -> Iterator[None]:
    """``count`` connections that each have said ``said`` and stay open, from so many addresses."""
    with contextlib.ExitStack() as stack:
        for number in range(count):
            one = stack.enter_context(socket.socket())
            one.bind((f"127.0.1.{1 + number % peers}", 0))
            one.connect(("127.0.0.1", port))
            with contextlib.suppress(ConnectionError):
                one.sendall(said)
        yield
