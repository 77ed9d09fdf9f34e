"""`ApiStandIn` on a port of its own, for a command that is called as its users call it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.support.api_standin import ApiStandIn


@contextmanager
def serving(standin: ApiStandIn) -> Iterator[str]:
    """Its URL, while the block lasts."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="api-standin", daemon=True)
    thread.start()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", standin.answer)
    server = TestServer(app)
    asyncio.run_coroutine_threadsafe(server.start_server(), loop).result(30)
    try:
        yield str(server.make_url("")).rstrip("/")
    finally:
        asyncio.run_coroutine_threadsafe(server.close(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


def kubeconfig_of(url: str, namespace: str, made: Path) -> Path:
    """``made``: a kubeconfig for the server at ``url``."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "standin",
        "clusters": [{"name": "standin", "cluster": {"server": url}}],
        "users": [{"name": "user", "user": {"token": "none"}}],
        "contexts": [{"name": "standin", "context": {"cluster": "standin", "user": "user", "namespace": namespace}}],
    }
    made.write_text(yaml.safe_dump(config))
    return made
