"""A port that the operator listens on. Anybody may connect, so all that one connection or peer costs is bounded."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from aiohttp import web
from aiohttp.http import HttpProcessingError
from aiohttp.typedefs import Handler

from publishbuild.observe.connection import Connection, Limits
from publishbuild.observe.connections import Connections

_LAST_ANSWERS_SECONDS = 1.0


class ListenError(Exception):
    """A port cannot be listened on; the text names its setting."""


class HttpServer:
    """``app`` on a port; 0 takes any free one, which `port` then tells. ``setting`` is the variable that named it.

    Each connection has one request. ``connections`` are those that are open.
    """

    def __init__(self, app: web.Application, port: int, *, setting: str, limits: Limits | None = None) -> None:
        app.middlewares.append(_one_request)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=_log(),
            shutdown_timeout=_LAST_ANSWERS_SECONDS,
            # A compressed body may be a thousand times longer than what was sent.
            auto_decompress=False,
            lingering_time=0,
        )
        self._port = port
        self._setting = setting
        self._limits = limits or Limits()
        self.connections = Connections()

    async def start(self) -> None:
        """Listen on all addresses.

        Raises:
            ListenError: where the port is taken.
        """
        await self._runner.setup()
        try:
            await _Site(self._runner, self._port, self._connected).start()
        except OSError as error:
            raise ListenError(f"{self._setting} {self._port}: {error.strerror or error}") from error

    @property
    def port(self) -> int:
        """The port that is listened on; of IPv4, where any free one was asked for and both have one of their own."""
        return int(min(self._runner.addresses, key=len)[1])

    async def stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()
        self.connections.drop_all()

    def _connected(self) -> Connection:
        server = self._runner.server
        if server is None:  # not between start and stop
            raise RuntimeError("connected to a port that is not listened on")
        return Connection(server, self.connections, self._limits)


class _Site(web.BaseSite):
    """All addresses of one port, each connection in the hands of a `Connection`."""

    def __init__(self, runner: web.AppRunner, port: int, connected: Callable[[], Connection]) -> None:
        super().__init__(runner)
        self._port = port
        self._connected = connected

    @property
    def name(self) -> str:
        return f"http://0.0.0.0:{self._port}"

    async def start(self) -> None:
        await super().start()
        self._server = await asyncio.get_running_loop().create_server(self._connected, port=self._port)


@web.middleware
async def _one_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer, and close: nobody holds a connection that is of no use."""
    try:
        response = await handler(request)
    except web.HTTPException as refused:
        refused.force_close()
        raise
    response.force_close()
    return response


def _log() -> logging.Logger:
    """aiohttp's log, without a traceback for each request that is no HTTP or was cut off: anybody can send those."""
    made = logging.getLogger(__name__)
    made.addFilter(_is_ours)
    return made


def _is_ours(record: logging.LogRecord) -> bool:
    cause = record.exc_info[1] if record.exc_info else None
    return not isinstance(cause, (HttpProcessingError, ConnectionError))
