"""HTTP for probes, Prometheus and people: ``/healthz``, ``/readyz``, ``/metrics``, ``/v1/queue``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from aiohttp import web

from publishbuild.observe.metrics import Metrics

_LAST_ANSWERS_SECONDS = 1.0


class Health(Protocol):
    """What the endpoints ask of the service; None is well, a text is what is wrong."""

    def unhealthy(self) -> str | None:
        """Why the process should be started again."""
        ...

    def unready(self) -> str | None:
        """Why it cannot work yet."""
        ...

    def queue(self) -> dict[str, Any]:
        """The exact order of the queue."""
        ...


def application(health: Health, metrics: Metrics) -> web.Application:
    """The endpoints over ``health`` and ``metrics``."""

    def probe(ask: Callable[[], str | None]) -> Callable[[web.Request], Any]:
        async def answer(_: web.Request) -> web.Response:
            wrong = ask()
            return web.Response(text=f"{wrong or 'ok'}\n", status=503 if wrong else 200)

        return answer

    async def metrics_text(_: web.Request) -> web.Response:
        return web.Response(body=metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def queue(_: web.Request) -> web.Response:
        return web.json_response(health.queue())

    app = web.Application()
    app.add_routes(
        [
            web.get("/healthz", probe(health.unhealthy)),
            web.get("/readyz", probe(health.unready)),
            web.get("/metrics", metrics_text),
            web.get("/v1/queue", queue),
        ]
    )
    return app


class ListenError(Exception):
    """The port cannot be listened on."""


class HttpServer:
    """The endpoints on a port; 0 takes any free one, which `port` then tells."""

    def __init__(self, app: web.Application, port: int) -> None:
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_LAST_ANSWERS_SECONDS)
        self._port = port

    async def start(self) -> None:
        """Listen on all addresses.

        Raises:
            ListenError: where the port is taken.
        """
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, port=self._port).start()
        except OSError as error:
            raise ListenError(error.strerror or str(error)) from error

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()
