"""A request's body, read only after its sender has proved who they are, and never more of it than is allowed."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from aiohttp import web

from publishbuild.observe.answer import Answer
from publishbuild.observe.connection import Connection

BODY_SECONDS = 5.0
# A sender that is refused hears of it once it has sent its body: so much of that is waited for.
_MOST_THROWN_AWAY = 131_072
_THROW_AWAY_SECONDS = 1.0
_CUT_OFF = Answer(HTTPStatus.BAD_REQUEST, "the body was cut off")  # which nobody hears


async def body_of(request: web.Request, limit: int) -> str | Answer:
    """The body as text, what is no UTF-8 in it replaced; an answer where it is too long or does not come in time."""
    if request.headers.get("Transfer-Encoding"):
        return Answer(HTTPStatus.LENGTH_REQUIRED, "send the report with a Content-Length, and not in chunks")
    length = request.content_length or 0
    if length > limit:
        return Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a report has at most {limit} bytes")
    if request.transport is None:
        return _CUT_OFF
    connection = _connection(request)
    if connection is not None:
        connection.read_body(length)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return (await request.read()).decode(errors="replace")
    except TimeoutError:
        return Answer(HTTPStatus.REQUEST_TIMEOUT, f"the body did not come within {BODY_SECONDS:.0f} s")
    except (ConnectionError, web.RequestPayloadError) as cut:
        # aiohttp keeps the error with the request: its traceback would keep both until the garbage is collected.
        cut.__traceback__ = None
        return _CUT_OFF


async def throw_body_away(request: web.Request) -> None:
    """Have what is left of the body of a refused request sent, so that its sender reads the answer."""
    connection, length = _connection(request), request.content_length or 0
    if connection is not None and request.body_exists and not request.content.is_eof():
        await connection.throw_away(min(length, _MOST_THROWN_AWAY), _THROW_AWAY_SECONDS)


def _connection(request: web.Request) -> Connection | None:
    """The connection, None in a test without a port, or where it is gone."""
    protocol = request.transport.get_protocol() if request.transport is not None else None
    return protocol if isinstance(protocol, Connection) else None
