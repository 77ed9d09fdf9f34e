"""A way to the real API server that a test can cut, and that serves the logs of pretended pods, which have none."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Self

import aiohttp
import yaml
from aiohttp import web

from publishbuild.cluster.sockets import Sockets
from publishbuild.names import RUNNER_CONTAINER

_HOP = frozenset({"host", "connection", "transfer-encoding", "content-length", "content-encoding", "accept-encoding"})
_LOOK_SECONDS = 0.02


class PodLogs:
    """What the runner's containers of pods have written. A log that is ``open`` goes on for whoever follows it."""

    def __init__(self) -> None:
        self.lines: dict[str, list[str]] = {}
        self.open: set[str] = set()
        self.follows = 0

    def write(self, pod: str, *lines: str) -> None:
        self.lines.setdefault(pod, []).extend(lines)


class ApiProxy:
    """Plain HTTP on the loopback address, in a thread of its own; ``lost`` counts the connections it refused."""

    def __init__(self, kubeconfig: Path) -> None:
        self._config = yaml.safe_load(kubeconfig.read_text())
        self.logs = PodLogs()
        self.lost = 0
        self._is_cut = False
        self._is_held: Callable[[web.Request], bool] | None = None
        self._requests: list[web.Request] = []
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._call(lambda: self._stop.set() if self._stop else None)
        self._thread.join(10)

    def kubeconfig(self, made: Path, namespace: str) -> Path:
        """``made``: a kubeconfig that leads through here, whose context names ``namespace``."""
        for cluster in self._config["clusters"]:
            cluster["cluster"] = {"server": f"http://127.0.0.1:{self.port}"}
        for context in self._config["contexts"]:
            context["context"]["namespace"] = namespace
        made.touch(mode=0o600)
        made.write_text(yaml.safe_dump(self._config))
        return made

    def cut(self) -> None:
        """Break all connections, and refuse new ones."""
        self._call(self._cut)

    def mend(self) -> None:
        """Let requests through again."""
        self._is_cut = False

    def hold(self, is_held: Callable[[web.Request], bool]) -> None:
        """Let these requests wait until `release`."""
        self._is_held = is_held

    def release(self) -> None:
        """Answer what was held, and hold nothing more."""
        self._is_held = None

    def _call(self, work: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(work)

    def _cut(self) -> None:
        self._is_cut = True
        for request in list(self._requests):
            _break(request)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:  # ends what still answers, too
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = self._config["clusters"][0]["cluster"]["server"]
        app = web.Application(client_max_size=16 * 1024 * 1024)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        sockets = Sockets()
        connector = aiohttp.TCPConnector(ssl=context, limit=0, socket_factory=sockets.make)
        async with (
            aclosing(sockets),
            aiohttp.ClientSession(server, connector=connector, auto_decompress=False) as session,
        ):

            async def answer(request: web.Request) -> web.StreamResponse:
                if self._is_cut:
                    self.lost += 1
                    _break(request)
                    raise web.HTTPBadGateway
                self._requests.append(request)
                try:
                    while (held := self._is_held) and held(request):  # noqa: ASYNC110  # another thread releases them
                        await asyncio.sleep(_LOOK_SECONDS)
                    return await self._answer(session, request)
                finally:
                    self._requests.remove(request)

            app.router.add_route("*", "/{path:.*}", answer)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.port = int(runner.addresses[0][1])
            self._started.set()
            await self._stop.wait()
            await runner.cleanup()

    async def _answer(self, session: aiohttp.ClientSession, request: web.Request) -> web.StreamResponse:
        *_, pod, last = request.path.split("/")
        if last == "log" and pod in self.logs.lines:
            return await self._answer_log(request, pod)
        headers = {key: value for key, value in request.headers.items() if key.lower() not in _HOP}
        body, patience = await request.read(), aiohttp.ClientTimeout(total=None)
        async with session.request(
            request.method, request.rel_url, headers=headers, data=body or None, timeout=patience
        ) as answer:
            response = web.StreamResponse(status=answer.status, reason=answer.reason)
            response.headers.update({key: value for key, value in answer.headers.items() if key.lower() not in _HOP})
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            return response

    async def _answer_log(self, request: web.Request, pod: str) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        if request.query.get("container") != RUNNER_CONTAINER:
            return response  # an earlier stage, which has nothing to say
        told, follows = 0, "follow" in request.query
        self.logs.follows += follows
        while True:
            is_open = pod in self.logs.open
            for line in self.logs.lines[pod][told:]:
                told += 1
                await response.write(line.encode() + b"\n")
            if not (follows and is_open):
                return response
            await asyncio.sleep(_LOOK_SECONDS)


def _break(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
