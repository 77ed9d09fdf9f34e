"""A port that the operator listens on."""

from __future__ import annotations

from aiohttp import web

_LAST_ANSWERS_SECONDS = 1.0


class ListenError(Exception):
    """A port cannot be listened on; the text names its setting."""


class HttpServer:
    """``app`` on a port; 0 takes any free one, which `port` then tells. ``setting`` is the variable that named it."""

    def __init__(self, app: web.Application, port: int, *, setting: str) -> None:
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_LAST_ANSWERS_SECONDS)
        self._port = port
        self._setting = setting

    async def start(self) -> None:
        """Listen on all addresses.

        Raises:
            ListenError: where the port is taken.
        """
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, port=self._port).start()
        except OSError as error:
            raise ListenError(f"{self._setting} {self._port}: {error.strerror or error}") from error

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()
