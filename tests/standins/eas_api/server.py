"""The stand-in's HTTP: GraphQL, uploads and artifacts as EAS has them, and ``/standin/…`` to steer and count it."""

from __future__ import annotations

import json
import logging
import os
import time
from collections import Counter
from typing import Any

from aiohttp import web

from tests.standins.eas_api.credentials import SigningCredentials
from tests.standins.eas_api.faults import UPLOAD, Fault, Faults
from tests.standins.eas_api.operations import OPERATIONS, GraphQLError, Request
from tests.standins.eas_api.world import Stages, World

LOG = logging.getLogger("standin.eas_api")
WORLD: web.AppKey[World] = web.AppKey("world", World)
FAULTS: web.AppKey[Faults] = web.AppKey("faults", Faults)
CREDENTIALS: web.AppKey[SigningCredentials] = web.AppKey("credentials", SigningCredentials)


def make_app(world: World | None = None) -> web.Application:
    """The whole stand-in as one aiohttp application."""
    app = web.Application(client_max_size=512 * 1024 * 1024, middlewares=[_label])
    app[WORLD] = world or World(clock=time.time, stages=Stages.from_environment(os.environ))
    app[FAULTS] = Faults()
    app[CREDENTIALS] = SigningCredentials.generate()
    app.add_routes(
        [
            web.get("/healthz", _healthz),
            web.post("/graphql", _graphql),
            web.put("/upload/{key:.+}", _upload),
            web.get("/artifacts/{name}", _artifact),
            web.get("/logs/{name}", _artifact),
            web.get("/standin/counts", _counts),
            web.get("/standin/builds", _builds),
            web.get("/standin/operations", _operations),
            web.get("/standin/requests", _requests),
            web.get("/standin/held", _held),
            web.post("/standin/release", _release),
            web.post("/standin/finish", _finish),
            web.post("/standin/settings", _settings),
            web.post("/standin/reset", _reset),
            web.route("*", "/{path:.*}", _unknown),
        ]
    )
    return app


@web.middleware
async def _label(request: web.Request, handler: Any) -> web.StreamResponse:
    """Say on every answer that this is not Expo."""
    try:
        response: web.StreamResponse = await handler(request)
    except web.HTTPException as error:
        error.headers["X-Standin"] = "publishbuild EAS API stand-in"
        raise
    response.headers["X-Standin"] = "publishbuild EAS API stand-in"
    return response


async def _healthz(_request: web.Request) -> web.Response:
    return web.json_response({"standin": "eas_api", "ok": True})


async def _graphql(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    body = await request.json()
    operation = body.get("operationName") or ""
    world.operations[operation] += 1
    world.requests.append(json.dumps(body))

    async def answer() -> web.Response:
        return _answer(request, operation, body)

    return await request.app[FAULTS].around(request, operation, world.now(), answer)


def _answer(request: web.Request, operation: str, body: dict[str, Any]) -> web.Response:
    world = request.app[WORLD]
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    answer = OPERATIONS.get(operation)
    if answer is None:
        LOG.error("unknown operation %s variables=%s query=%s", operation, body.get("variables"), body.get("query"))
        return _errors(f"The stand-in EAS API does not know the operation {operation!r}.", "STANDIN_UNKNOWN_OPERATION")
    if token == "invalid" or not token:
        return _errors("The bearer token is invalid.", "UNAUTHORIZED_ERROR", status=401)
    try:
        data = answer(Request(world, request.app[CREDENTIALS], body.get("variables") or {}))
    except GraphQLError as error:
        return _errors(str(error), error.code)
    LOG.info("%s %s", operation, {k: v for k, v in (body.get("variables") or {}).items() if isinstance(v, str)})
    return web.json_response({"data": data})


def _errors(message: str, code: str, status: int = 200) -> web.Response:
    error = {"message": message, "extensions": {"errorCode": code, "isTransient": False}}
    return web.json_response({"errors": [error], "data": None}, status=status)


async def _upload(request: web.Request) -> web.Response:
    async def answer() -> web.Response:
        size = 0
        async for chunk in request.content.iter_chunked(65536):
            size += len(chunk)
        request.app[WORLD].uploads[request.match_info["key"]] = size
        return web.Response(text="")

    return await request.app[FAULTS].around(request, UPLOAD, request.app[WORLD].now(), answer)


async def _artifact(request: web.Request) -> web.Response:
    return web.Response(text=f"stand-in file {request.match_info['name']}: nothing was built\n")


async def _counts(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    message_of = {build.id: build.message for build in world.builds.values()}
    return web.json_response(
        {
            "builds": len(world.builds),
            "submissions": len(world.submissions),
            "uploads": len(world.uploads),
            "canceledBuilds": sum(build.canceled_at is not None for build in world.builds.values()),
            "canceledSubmissions": sum(item.canceled_at is not None for item in world.submissions.values()),
            "struck": request.app[FAULTS].struck,
            "buildsByMessage": Counter(message_of.values()),
            "submissionsByMessage": Counter(message_of.get(s.build_id or "", "") for s in world.submissions.values()),
        }
    )


async def _builds(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    now = world.now()
    return web.json_response(
        [
            {
                "id": build.id,
                "platform": build.platform,
                "profile": build.profile,
                "message": build.message,
                "status": build.status_at(now),
                "gitCommitHash": build.metadata.get("gitCommitHash"),
                "submissions": [
                    {"id": s.id, "status": s.status_at(now)}
                    for s in world.submissions.values()
                    if s.build_id == build.id
                ],
            }
            for build in world.builds.values()
        ]
    )


async def _operations(request: web.Request) -> web.Response:
    return web.json_response(request.app[WORLD].operations)


async def _requests(request: web.Request) -> web.Response:
    """The last request bodies: all that was told to EAS but for the headers."""
    return web.json_response(list(request.app[WORLD].requests))


async def _held(request: web.Request) -> web.Response:
    return web.json_response(request.app[FAULTS].held)


async def _release(request: web.Request) -> web.Response:
    """Let go of what is held, and hold nothing more."""
    faults = request.app[FAULTS]
    faults.set_now = [fault for fault in faults.set_now if not fault.kind.startswith("hold")]
    faults.release()
    return web.json_response({"ok": True})


async def _finish(request: web.Request) -> web.Response:
    """Every build and submission that goes on ends now."""
    world = request.app[WORLD]
    now = Stages(**dict.fromkeys(vars(world.stages), 0.0))
    for build in world.builds.values():
        build.stages = now
    for submission in world.submissions.values():
        submission.stages = now
    return web.json_response({"ok": True})


async def _settings(request: web.Request) -> web.Response:
    """Take ``stages``, ``nextOutcomes``, ``nextSubmissionOutcomes``, ``submissionError`` and ``faults``, each optional.

    ``submissionError`` (``errorCode``, ``message``, ``canRetry``) is what a submission that ends ERRORED says;
    ``faults`` (see `Fault`) replaces those set before.
    """
    world = request.app[WORLD]
    try:
        body = await request.json()
        stages = Stages(**{**vars(world.stages), **{k: float(v) for k, v in body.get("stages", {}).items()}})
        world.next_outcomes.extend(str(outcome) for outcome in body.get("nextOutcomes", []))
        world.next_submission_outcomes.extend(str(o) for o in body.get("nextSubmissionOutcomes", []))
        world.submission_error.update(body.get("submissionError", {}))
        if "faults" in body:
            request.app[FAULTS].set_now = [Fault.parse(given) for given in body["faults"]]
    except (json.JSONDecodeError, TypeError, ValueError, AttributeError) as error:
        return web.json_response({"error": str(error), "stages": vars(Stages())}, status=400)
    world.stages = stages
    return web.json_response({"stages": vars(world.stages), "nextOutcomes": world.next_outcomes})


async def _reset(request: web.Request) -> web.Response:
    request.app[WORLD].forget()
    request.app[FAULTS].clear()
    return web.json_response({"ok": True})


async def _unknown(request: web.Request) -> web.Response:
    LOG.error("unknown path %s %s", request.method, request.path)
    return web.json_response({"errors": [{"message": f"The stand-in does not know {request.path}"}]}, status=404)
