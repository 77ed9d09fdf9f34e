"""A reverse proxy between one operator and the API server, on the loopback address: the operator runs unmodified.

A fault "before" a request means that the API server never hears of it; "after", that it has done it and the operator
never learns that. ``kill -9`` happens while the request is held, so it is exact.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator
from http import HTTPStatus
from typing import Any

import aiohttp
from aiohttp import web

from tests.faults.answers import POLL_SECONDS, answer_of, cut, is_gone, read, still_there
from tests.faults.fault_box import FaultBox, pause
from tests.faults.history import History, Write
from tests.faults.naming import Named, name_request
from tests.faults.plan import Do, PointFault, When
from tests.faults.server import Server
from tests.faults.watch_faults import WatchFaults


class ApiProxy:
    """The way of the operator ``name`` to the API server. ``writer`` says which process sends now; ``kill`` ends it."""

    def __init__(
        self,
        name: str,
        server: Server,
        faults: FaultBox,
        history: History,
        *,
        writer: Callable[[], str],
        kill: Callable[[], Awaitable[None]],
        orders: Iterator[int] | None = None,
    ) -> None:
        self._name = name
        self._server, self._faults, self._history = server, faults, history
        self._writer, self._kill = writer, kill
        self._orders = orders or itertools.count()
        self._handling: set[asyncio.Task[Any]] = set()
        self._watches: dict[asyncio.Task[Any], web.Request] = {}
        self._down = False
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._guarded)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        self.port = 0

    async def start(self) -> None:
        """Listen on a free port of the loopback address."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Cut everything and stop listening."""
        self.cut_off()
        for task in self._handling:
            task.cancel()
        await asyncio.gather(*self._handling, return_exceptions=True)
        await self._runner.cleanup()

    def cut_off(self) -> None:
        """From now on each connection is cut, watches too."""
        self._down = True
        for task, request in list(self._watches.items()):
            cut(request)
            task.cancel()

    def restore(self) -> None:
        """The server is there again."""
        self._down = False

    def kubeconfig(self, namespace: str) -> dict[str, Any]:
        """For the operator: this proxy, and a token that is worth nothing elsewhere."""
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "proxy", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
            "users": [{"name": "operator", "user": {"token": "none"}}],
            "contexts": [
                {"name": "proxy", "context": {"cluster": "proxy", "user": "operator", "namespace": namespace}}
            ],
            "current-context": "proxy",
        }

    async def _guarded(self, request: web.Request) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None
        self._handling.add(task)
        try:
            return await self._handle(request, task)
        except (aiohttp.ClientError, ConnectionError):
            return cut(request)
        except Exception as error:  # noqa: BLE001  # a proxy that is broken must not pass for a fault
            self._history.suite_errors.append(f"{request.method} {request.path}: {type(error).__name__}: {error}")
            return cut(request)
        finally:
            self._handling.discard(task)
            self._watches.pop(task, None)

    async def _handle(self, request: web.Request, task: asyncio.Task[Any]) -> web.StreamResponse:
        body = await request.read()
        named = name_request(request.method, request.path, request.query, read(body))
        writer, order = self._writer(), next(self._orders)
        if self._down:
            self._faults.harm(named.build)
            return cut(request)
        fault = self._faults.due(named.point, When.BEFORE, named.build, by=self._name)
        if fault is not None and not await self._harm(fault, request):
            self._note(order, writer, named)
            return answer_of(fault, request)
        if named.point.startswith("watch "):
            self._watches[task] = request
            return await self._watch(request, named, silent=fault is not None and fault.do is Do.SILENCE)
        status, headers, said = await self._forward(request, body)
        self._note(order, writer, named, read(said) if status < HTTPStatus.BAD_REQUEST else None, read(body))
        fault = self._faults.due(named.point, When.AFTER, named.build, by=self._name)
        if fault is not None and not await self._harm(fault, request):
            return answer_of(fault, request)
        return cut(request) if self._down else web.Response(status=status, headers=headers, body=said)

    async def _harm(self, fault: PointFault, request: web.Request) -> bool:
        """Do what is due; whether the request goes on all the same."""
        if fault.do is Do.KILL:
            await self._kill()
        if fault.do is Do.SLOW:
            return await still_there(request, fault.seconds)
        return fault.do is Do.SILENCE

    async def _forward(self, request: web.Request, body: bytes) -> tuple[int, dict[str, str], bytes]:
        async with self._server.session.request(
            request.method, self._url(request), data=body or None, headers=self._headers(request)
        ) as answer:
            kept = {key: answer.headers[key] for key in ("Content-Type", "Retry-After") if key in answer.headers}
            return answer.status, kept, await answer.read()

    async def _watch(self, request: web.Request, named: Named, *, silent: bool) -> web.StreamResponse:
        lines = WatchFaults(self._faults, named.point.removeprefix("watch "), by=self._name, silent=silent)
        response = web.StreamResponse()
        async with self._server.session.get(self._url(request), headers=self._headers(request)) as answer:
            self._history.watches_opened += answer.status == HTTPStatus.OK
            response.set_status(answer.status)
            response.content_type = answer.content_type
            await response.prepare(request)
            async for line in answer.content:
                for passed in lines.take(line):
                    await response.write(passed)
                if lines.killed:
                    await self._kill()
                if lines.cut or lines.killed:
                    return cut(request)
        if lines.silent:
            # The server would end a watch now and then; one that fell silent says nothing of that either.
            while not is_gone(request):
                await pause(POLL_SECONDS)
        return response

    def _note(
        self,
        order: int,
        writer: str,
        named: Named,
        said: dict[str, Any] | None = None,
        sent: dict[str, Any] | None = None,
    ) -> None:
        if not named.is_write:
            return
        version = ((said or {}).get("metadata") or {}).get("resourceVersion")
        lease = named.point == "renew lease" and said is not None
        holder = str(((sent or {}).get("spec") or {}).get("holderIdentity") or "") if lease else None
        self._history.writes.append(
            Write(
                order=order,
                writer=writer,
                point=named.point,
                namespace=named.namespace,
                build=named.build,
                revision=int(version) if version else None,
                holder=holder,
            )
        )

    def _url(self, request: web.Request) -> str:
        return self._server.url + request.raw_path

    def _headers(self, request: web.Request) -> dict[str, str]:
        kept = {key: request.headers[key] for key in ("Accept", "Content-Type") if key in request.headers}
        return {**kept, **self._server.headers}
