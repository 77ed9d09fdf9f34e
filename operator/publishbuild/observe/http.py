"""HTTP for probes, Prometheus, people and pods: `/healthz`, `/readyz`, `/metrics`, `/v1/queue`, `/v1/builds`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web

from publishbuild.observe.metrics import Metrics

_LAST_ANSWERS_SECONDS = 1.0
# A termination message has 4,096 bytes at most, and a report on the way is the same.
_LONGEST_REPORT_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status and a line of text."""

    status: int
    text: str


class Builds(Protocol):
    """What the pods of builds may ask and tell: `publishbuild.callbacks`."""

    def report(self, uid: str, token: str, body: str) -> Answer:
        """Take in how far a build is."""
        ...

    def stop_reason(self, uid: str) -> Answer:
        """Why the build's work is to be stopped for good, "" where it is not."""
        ...


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


def application(health: Health, metrics: Metrics, builds: Builds | None = None) -> web.Application:
    """The endpoints over ``health`` and ``metrics``, and those for the pods of ``builds`` where it is given."""

    def probe(ask: Callable[[], str | None]) -> Callable[[web.Request], Any]:
        async def answer(_: web.Request) -> web.Response:
            wrong = ask()
            return web.Response(text=f"{wrong or 'ok'}\n", status=503 if wrong else 200)

        return answer

    async def metrics_text(_: web.Request) -> web.Response:
        return web.Response(body=metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def queue(_: web.Request) -> web.Response:
        return web.json_response(health.queue())

    app = web.Application(client_max_size=_LONGEST_REPORT_BYTES)
    if builds is not None:
        app.add_routes(_for_pods(builds))
    app.add_routes(
        [
            web.get("/healthz", probe(health.unhealthy)),
            web.get("/readyz", probe(health.unready)),
            web.get("/metrics", metrics_text),
            web.get("/v1/queue", queue),
        ]
    )
    return app


def _for_pods(builds: Builds) -> list[web.RouteDef]:
    def as_response(answer: Answer) -> web.Response:
        return web.Response(status=answer.status, text=f"{answer.text}\n" if answer.text else "")

    async def report(request: web.Request) -> web.Response:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        body = (await request.read()).decode(errors="replace")
        return as_response(builds.report(request.match_info["uid"], token, body))

    async def stop_reason(request: web.Request) -> web.Response:
        return as_response(builds.stop_reason(request.match_info["uid"]))

    return [web.post("/v1/builds/{uid}", report), web.get("/v1/builds/{uid}/stop", stop_reason)]


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
