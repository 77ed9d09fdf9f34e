"""``python -m tests.standins.serve``: the stand-in's pod. EAS API on 3000, git on 8443 (https) and 8080 (http).

The certificate is read from ``STANDIN_TLS_DIR`` (``/standins``: ``tls.crt`` and ``tls.key``, made at image build);
without one there is no https. ``/healthz`` answers on every port.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import ssl
import tempfile
from pathlib import Path

from aiohttp import web

from tests.standins import git_server
from tests.standins.eas_api.server import make_app

EAS_PORT = 3000
HTTP_PORT = 8080
HTTPS_PORT = 8443


async def serve(host: str, tls: Path, eas_port: int, http_port: int, https_port: int) -> None:
    """Serve all until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for kind in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(kind, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        commit = git_server.make_repository(root)
        await _start(stack, make_app(), host, eas_port)
        await _start(stack, git_server.make_app(root), host, http_port)
        if (tls / "tls.key").exists():
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(tls / "tls.crt", tls / "tls.key")
            await _start(stack, git_server.make_app(root), host, https_port, context)
        logging.getLogger("standin").info("serving; the example app is at commit %s", commit)
        await stop.wait()


async def _start(
    stack: contextlib.AsyncExitStack,
    app: web.Application,
    host: str,
    port: int,
    context: ssl.SSLContext | None = None,
) -> None:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, host, port, ssl_context=context).start()


def main() -> None:
    """Read the ports from the environment (``STANDIN_EAS_PORT``, ``STANDIN_HTTP_PORT``, ``STANDIN_HTTPS_PORT``)."""
    logging.basicConfig(level=logging.INFO, format="%(name)s %(message)s")
    read = os.environ.get
    asyncio.run(
        serve(
            host=read("STANDIN_HOST", "0.0.0.0"),  # noqa: S104 - reached through a Service
            tls=Path(read("STANDIN_TLS_DIR", "/standins")),
            eas_port=int(read("STANDIN_EAS_PORT", str(EAS_PORT))),
            http_port=int(read("STANDIN_HTTP_PORT", str(HTTP_PORT))),
            https_port=int(read("STANDIN_HTTPS_PORT", str(HTTPS_PORT))),
        )
    )


if __name__ == "__main__":
    main()
