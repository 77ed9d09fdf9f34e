"""Git hosts on loopback that ask for a password, send elsewhere, and remember what they were told."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from tests.standins import git_server


@dataclass
class AskingHost:
    """Asks everybody for a password. Below ``/moved/`` it sends to ``elsewhere`` and the rest of the path."""

    url: str = ""
    elsewhere: str = ""
    told: list[str] = field(default_factory=list)
    """The Authorization of each request that had one."""


@contextlib.contextmanager
def asking_host(tls: Path | None = None) -> Iterator[AskingHost]:
    """Serve one on a free port; with ``tls``, a folder with ``tls.crt`` and ``tls.key``, over https."""
    host = AskingHost()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told = self.headers.get("Authorization")
            if told:
                host.told.append(told)
            _, moved, rest = self.path.partition("/moved/")
            self.send_response(302 if moved else 404 if told else 401)
            if moved:
                self.send_header("Location", f"{host.elsewhere}/{rest}")
            self.send_header("WWW-Authenticate", 'Basic realm="tried"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls / "tls.crt", tls / "tls.key")
            server.socket = context.wrap_socket(server.socket, server_side=True)
        host.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield host
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def served(root: Path) -> Iterator[str]:
    """Serve every repository below ``root`` over http as git itself does, from a thread; gives the URL."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> web.AppRunner:
        runner = web.AppRunner(git_server.make_app(root))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    runner = asyncio.run_coroutine_threadsafe(start(), loop).result(30)
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
