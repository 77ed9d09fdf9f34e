"""How the stand-in misbehaves when it is told to: errors, lost answers, slow ones, and requests that it holds.

Everything is counted or held, never random, so that a test knows what happened and when.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, fields
from typing import Any

from aiohttp import web

KINDS = ("status", "error", "drop", "drop-after", "hold", "hold-after", "slow")
UPLOAD = "upload"
ANY = "*"


@dataclass
class Fault:
    """One way to misbehave.

    ``operation``: the name of a GraphQL operation, ``upload``, or ``*`` for all. ``kind``: ``status`` answers with
    ``status``; ``error`` with a GraphQL error (``message``, ``code``, ``transient``); ``drop`` closes the connection
    before, ``drop-after`` after the request took effect; ``hold`` waits before and ``hold-after`` after it took effect
    until it is released, and the answer is never sent; ``slow`` takes ``delay`` seconds.
    ``times``: how many requests (0 = all), ``seconds``: for how long since the first one (0 = for ever).
    """

    operation: str
    kind: str
    status: int = 502
    message: str = "The stand-in was told to fail."
    code: str = "INTERNAL_SERVER_ERROR"
    transient: bool = False
    delay: float = 0
    times: int = 0
    seconds: float = 0
    first: float | None = field(default=None, init=False)
    taken: int = field(default=0, init=False)

    @classmethod
    def parse(cls, given: dict[str, Any]) -> Fault:
        """From JSON; a key or kind that nobody knows is a `ValueError`."""
        known = {item.name for item in fields(cls) if item.init}
        if unknown := set(given) - known:
            raise ValueError(f"unknown keys {sorted(unknown)}")
        fault = cls(**given)
        if fault.kind not in KINDS:
            raise ValueError(f"kind must be one of {KINDS}")
        return fault

    def is_for(self, operation: str, now: float) -> bool:
        """Whether it strikes this request."""
        late = self.seconds and self.first is not None and now >= self.first + self.seconds
        return self.operation in {operation, ANY} and not late and not (self.times and self.taken >= self.times)

    def strike(self, now: float) -> None:
        """Count one request."""
        self.taken += 1
        self.first = now if self.first is None else self.first


@dataclass
class Faults:
    """The faults that are set, the requests that are held now, and how many were struck."""

    set_now: list[Fault] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    struck: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def clear(self) -> None:
        """Forget all and let go of what is held."""
        self.set_now.clear()
        self.release()
        self.struck = 0

    def release(self) -> None:
        """Let go of every request that is held."""
        self.gate.set()
        self.gate = asyncio.Event()

    async def around(
        self, request: web.Request, operation: str, now: float, answer: Callable[[], Awaitable[web.Response]]
    ) -> web.Response:
        """The answer, or what the fault makes of it."""
        fault = next((fault for fault in self.set_now if fault.is_for(operation, now)), None)
        if fault is None:
            return await answer()
        fault.strike(now)
        self.struck += 1
        if fault.kind == "status":
            await request.read()
            return web.Response(status=fault.status, text="the stand-in was told to fail")
        if fault.kind == "error":
            extensions = {"errorCode": fault.code, "isTransient": fault.transient}
            return web.json_response({"errors": [{"message": fault.message, "extensions": extensions}], "data": None})
        if fault.kind == "slow":
            await asyncio.sleep(fault.delay)
            return await answer()
        if fault.kind.endswith("-after"):
            await answer()
        if fault.kind.startswith("hold"):
            await self._hold(operation)
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=503)

    async def _hold(self, operation: str) -> None:
        gate = self.gate
        self.held.append(operation)
        try:
            await gate.wait()
        finally:
            self.held.remove(operation)
