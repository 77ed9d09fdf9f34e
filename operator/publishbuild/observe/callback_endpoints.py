"""HTTP for the pods of builds, on a port of its own: `POST /v1/builds/UID` and `GET /v1/builds/UID/stop`."""

from __future__ import annotations

from typing import Protocol

from aiohttp import web

from publishbuild.observe.answer import Answer

# A termination message has 4,096 bytes at most, and a report on the way is the same.
_LONGEST_REPORT_BYTES = 16_384


class Builds(Protocol):
    """What the pods of builds may ask and tell: `publishbuild.callbacks`."""

    def report(self, uid: str, token: str, body: str) -> Answer:
        """Take in how far a build is."""
        ...

    def stop_reason(self, uid: str) -> Answer:
        """Why the build's work is to be stopped for good, "" where it is not."""
        ...


def callback_endpoints(builds: Builds) -> web.Application:
    """The endpoints over ``builds``, and no others."""

    def as_response(answer: Answer) -> web.Response:
        return web.Response(status=answer.status, text=f"{answer.text}\n" if answer.text else "")

    async def report(request: web.Request) -> web.Response:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        body = (await request.read()).decode(errors="replace")
        return as_response(builds.report(request.match_info["uid"], token, body))

    async def stop_reason(request: web.Request) -> web.Response:
        return as_response(builds.stop_reason(request.match_info["uid"]))

    app = web.Application(client_max_size=_LONGEST_REPORT_BYTES)
    app.add_routes([web.post("/v1/builds/{uid}", report), web.get("/v1/builds/{uid}/stop", stop_reason)])
    return app
