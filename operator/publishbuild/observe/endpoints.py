"""HTTP for probes, Prometheus and people: `/healthz`, `/readyz`, `/metrics`, `/v1/queue`.

None of it asks who is there: what comes through the API server's proxy carries no identity (decision 0015). So
`/v1/queue` tells uids and no names, and a NetworkPolicy says who may connect.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from aiohttp import web

from publishbuild.observe.answer import Answer
from publishbuild.observe.metrics import Metrics


class Health(Protocol):
    """What the endpoints ask of the service; None is well, a text is what is wrong."""

    def unhealthy(self) -> str | None:
        """Why the process should be started again."""
        ...

    def unready(self) -> str | None:
        """Why it cannot work yet."""
        ...

    def queue(self) -> Answer:
        """The exact order of the queue as JSON; 503 and a line of text where this process does not know it."""
        ...


# Anybody may read the metrics as often as they like; of a long queue, making them may take this share of the time.
MOST_OF_THE_TIME = 0.1


class _Sparing:
    """A text that is costly to make: the last one, until making it anew keeps to `MOST_OF_THE_TIME`."""

    def __init__(self, make: Callable[[], bytes], monotonic: Callable[[], float]) -> None:
        self._make = make
        self._monotonic = monotonic
        self._text = b""
        self._stale_at = 0.0

    def __call__(self) -> bytes:
        began = self._monotonic()
        if not self._text or began >= self._stale_at:
            self._text = self._make()
            self._stale_at = began + (self._monotonic() - began) / MOST_OF_THE_TIME
        return self._text


def endpoints(health: Health, metrics: Metrics, *, monotonic: Callable[[], float] = time.monotonic) -> web.Application:
    """The endpoints over ``health`` and ``metrics``."""
    metrics_now = _Sparing(metrics.text, monotonic)

    def probe(ask: Callable[[], str | None]) -> Callable[[web.Request], Any]:
        async def answer(_: web.Request) -> web.Response:
            wrong = ask()
            return web.Response(text=f"{wrong or 'ok'}\n", status=503 if wrong else 200)

        return answer

    async def metrics_text(_: web.Request) -> web.Response:
        return web.Response(body=metrics_now(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def queue(_: web.Request) -> web.Response:
        answer = health.queue()
        kind = "application/json" if answer.status == web.HTTPOk.status_code else "text/plain"
        return web.Response(status=answer.status, text=f"{answer.text}\n", content_type=kind)

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
