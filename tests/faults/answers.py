"""What an operator gets for a request that meets a fault."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

from aiohttp import web

from tests.faults.fault_box import pause
from tests.faults.plan import Do, PointFault

POLL_SECONDS = 0.05
_MESSAGES = {
    Do.CONFLICT: (409, "Conflict"),
    Do.GONE: (410, "Expired"),
    Do.TOO_MANY: (429, "TooManyRequests"),
    Do.ERROR: (500, "InternalError"),
    Do.TIMEOUT: (504, "Timeout"),
}


def read(body: bytes) -> dict[str, Any] | None:
    """The JSON object in a body, None where there is none."""
    try:
        said = json.loads(body)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def answer_of(fault: PointFault, request: web.Request) -> web.StreamResponse:
    """What the operator gets in place of the server's answer."""
    if fault.do not in _MESSAGES:
        return cut(request)
    code, reason = _MESSAGES[fault.do]
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "injected by the fault suite",
        "reason": reason,
        "code": code,
    }
    headers = {"Retry-After": "1"} if fault.do is Do.TOO_MANY else {}
    return web.json_response(status, status=code, headers=headers)


def cut(request: web.Request) -> web.StreamResponse:
    """Cut the connection: the operator gets nothing."""
    transport = request.transport
    if transport is not None:
        with contextlib.suppress(Exception):
            transport.abort()
    return web.Response()


def is_gone(request: web.Request) -> bool:
    """Whether the operator has closed the connection."""
    return request.transport is None or request.transport.is_closing()


async def still_there(request: web.Request, seconds: float) -> bool:
    """Hold the request for ``seconds``; False where the operator gave it up, so that it must not be done any more."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while loop.time() < until:
        if is_gone(request):
            return False
        await pause(POLL_SECONDS)
    return not is_gone(request)
