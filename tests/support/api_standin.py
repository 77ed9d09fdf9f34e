"""A stand-in of an API server, for answers that a real one cannot be made to give on purpose."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from publishbuild import names

Object = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """JSON with a status; where ``cut`` the connection breaks after it."""

    body: Any
    status: int = 200
    cut: bool = False


@dataclass
class ApiStandIn:
    """Gives ``answers`` in turn, or those of ``by_path`` for ever, and notes what was asked."""

    answers: list[Answer] = field(default_factory=list)
    by_path: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        self.asked.append((request.method, request.path, dict(request.query), body))
        answer = self.by_path.get(request.path) or (
            self.answers.pop(0) if self.answers else a_status(500, "", "no more")
        )
        body = _selected(answer.body, request.query.get("fieldSelector", ""))
        text = body if isinstance(body, str) else json.dumps(body)
        if not answer.cut:
            return web.Response(status=answer.status, text=text, content_type="application/json")
        response = web.StreamResponse(status=answer.status)
        await response.prepare(request)
        await response.write(text.encode())
        assert request.transport is not None
        request.transport.abort()
        return response

    def queries(self, path: str) -> list[dict[str, str]]:
        """The queries with which ``path`` was asked for."""
        return [query for _, asked, query, _ in self.asked if asked == path]


def _selected(body: Any, selector: str) -> Any:
    """A list's items of the name that is asked for."""
    wanted = selector.removeprefix("metadata.name=")
    if not isinstance(body, dict) or "items" not in body or wanted == selector:
        return body
    return body | {"items": [item for item in body["items"] if item["metadata"]["name"] == wanted]}


def a_list(*items: Object, version: int = 10, more: str = "") -> Answer:
    metadata = {"resourceVersion": str(version)} | ({"continue": more} if more else {})
    return Answer({"kind": f"{names.KIND}List", "items": list(items), "metadata": metadata})


def a_status(code: int, reason: str, message: str) -> Answer:
    return Answer({"kind": "Status", "code": code, "reason": reason, "message": message}, status=code)


def a_watch(*events: tuple[str, Object], cut: bool = False, tail: str = "") -> Answer:
    """A watch that tells ``events`` and ends."""
    lines = [json.dumps({"type": kind, "object": obj}) + "\n" for kind, obj in events]
    return Answer("".join(lines) + tail, cut=cut)


def bookmark(version: int) -> tuple[str, Object]:
    return ("BOOKMARK", {"metadata": {"resourceVersion": str(version)}})


def too_old() -> tuple[str, Object]:
    return ("ERROR", {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"})


def names_of(items: Sequence[Object]) -> list[str]:
    return [item["metadata"]["name"] for item in items]
