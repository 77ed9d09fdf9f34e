"""A TLS server that answers each request with the head of an answer at most, and says no goodbye."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from pathlib import Path
from typing import Self

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nline\n\r\n"


class SilentTls:
    """Listens on the loopback address, in a thread of its own; ``head``: whether a request gets a first line.

    ``folder`` has its certificate (`tests.standins.make_certificate`).
    """

    def __init__(self, folder: Path, *, head: bool) -> None:
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
        self._head = head
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._taken: list[ssl.SSLSocket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.asked = threading.Event()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"https://127.0.0.1:{self._listener.getsockname()[1]}"

    def connections(self) -> frozenset[str]:
        """Its own ends, as `tests.support.open_connections` names them."""
        own = [self._listener, *self._taken]
        return frozenset(str(Path(f"/proc/self/fd/{one.fileno()}").readlink()) for one in own)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        for one in [self._listener, *self._taken]:
            one.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # it listens no longer
            while True:
                taken = self._context.wrap_socket(self._listener.accept()[0], server_side=True)
                self._taken.append(taken)
                taken.recv(65536)
                if self._head:
                    taken.sendall(HEAD)
                self.asked.set()
