"""HTTP for the pods of builds, on a port of its own: `POST /v1/builds/UID` and `GET /v1/builds/UID/stop`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Protocol, TypeVar

from aiohttp import web

from publishbuild.observe.answer import Answer
from publishbuild.observe.request_body import body_of, throw_body_away

# A termination message has 4,096 bytes at most, and a report on the way is the same.
_LONGEST_REPORT_BYTES = 16_384
_SCHEME = "Bearer "
_NO_TOKEN = Answer(HTTPStatus.UNAUTHORIZED, "show the build's token: Authorization: Bearer …")


Pod = TypeVar("Pod")


class Builds(Protocol[Pod]):
    """What the pods of builds may ask and tell: `publishbuild.callbacks`."""

    async def speaker(self, uid: str, token: str, peer: str) -> Pod | Answer:
        """The running pod of that build that shows ``token`` from ``peer``; otherwise why it is not heard."""
        ...

    def report(self, pod: Pod, body: str) -> Answer:
        """Take in how far a pod is."""
        ...

    def stop_reason(self, uid: str) -> Answer:
        """Why the build's work is to be stopped for good, "" where it is not."""
        ...


def callback_endpoints(builds: Builds[Pod]) -> web.Application:
    """The endpoints over ``builds``, and no others. Both are for the build's own pods alone."""

    def as_response(answer: Answer) -> web.Response:
        return web.Response(status=answer.status, text=f"{answer.text}\n" if answer.text else "")

    async def speaker(request: web.Request) -> Pod | Answer:
        token = _token(request)
        return await builds.speaker(request.match_info["uid"], token, request.remote or "") if token else _NO_TOKEN

    async def reported(request: web.Request) -> Answer:
        # Who sends a report is known before any of it is read.
        pod = await speaker(request)
        if isinstance(pod, Answer):
            return pod
        body = await body_of(request, _LONGEST_REPORT_BYTES)
        return builds.report(pod, body) if isinstance(body, str) else body

    async def report(request: web.Request) -> web.Response:
        answer = await reported(request)
        await throw_body_away(request)
        return as_response(answer)

    async def stop_reason(request: web.Request) -> web.Response:
        pod = await speaker(request)
        return as_response(pod if isinstance(pod, Answer) else builds.stop_reason(request.match_info["uid"]))

    app = web.Application(client_max_size=_LONGEST_REPORT_BYTES)
    app.add_routes([web.post("/v1/builds/{uid}", report), web.get("/v1/builds/{uid}/stop", stop_reason)])
    return app


def _token(request: web.Request) -> str:
    """The bearer token, "" where there is none. Other characters than ASCII's have no place in a header."""
    scheme, token = (given := request.headers.get("Authorization", ""))[: len(_SCHEME)], given[len(_SCHEME) :]
    return token if scheme == _SCHEME and token.isascii() else ""
