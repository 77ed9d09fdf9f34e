"""The operator's two ports as a process of their own, over one running build and nothing else.

Prints its two ports, that of probes and that of builds' pods, and then serves until it is ended.
"""

from __future__ import annotations

import asyncio
import gc
import sys

from publishbuild.callbacks import Callbacks
from publishbuild.cluster.objects import BUILDS, JOBS, PODS
from publishbuild.cluster.store import Store
from publishbuild.decide.claims import Claims
from publishbuild.observe.answer import Answer
from publishbuild.observe.callback_endpoints import callback_endpoints
from publishbuild.observe.endpoints import endpoints
from publishbuild.observe.http import HttpServer
from publishbuild.observe.logs import set_up_logs
from publishbuild.observe.metrics import Metrics
from publishbuild.service import GARBAGE_THRESHOLDS
from tests.builders import NOW, a_build, a_job, a_pod

TOKEN = "a-token"


class Well:
    """An operator that is well, and whose queue is empty."""

    def unhealthy(self) -> None:
        return None

    def unready(self) -> None:
        return None

    def queue(self) -> Answer:
        return Answer(200, "{}")


class NoTokens:
    """An API server that knows none."""

    async def identity(self, token: str, claims: Claims, peer: str) -> None:  # noqa: ARG002  # the Protocol's names
        return None


def callbacks() -> Callbacks:
    """What pods tell: one build runs, whose pod shows `TOKEN`."""
    store = Store(lambda: NOW, lambda _: None)
    store.apply(BUILDS, a_build())
    store.apply(JOBS, a_job())
    store.apply(PODS, a_pod(token=TOKEN))
    return Callbacks(
        store,
        NoTokens(),
        synced=lambda: True,
        leads=lambda: True,
        ring_after=lambda _uid, _seconds: None,
        clock=lambda: NOW,
    )


async def main() -> None:
    """Serve for ever."""
    set_up_logs("info", "json")
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    servers = [
        HttpServer(endpoints(Well(), Metrics()), 0, setting="HTTP"),
        HttpServer(callback_endpoints(callbacks()), 0, setting="CALLBACK"),
    ]
    for server in servers:
        await server.start()
    sys.stdout.write(" ".join(str(server.port) for server in servers) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
