"""STAND-IN git server: the example app as a repository over smart HTTP, so that shallow fetches work.

The repository is made at the start with a fixed author and date, so its commit is the same wherever it is served:
branch ``main``, tag ``v1.0.0``, at ``/example-app.git``. Below ``/private/`` the same is there for the user and
password of `PRIVATE` alone, to try Secrets.
"""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
from pathlib import Path

from aiohttp import web

EXAMPLE_APP = Path(__file__).resolve().parents[2] / "examples" / "app"
REPOSITORY = "example-app.git"
PRIVATE = ("standin", "stand-in-password")
WHEN = "2025-01-01T00:00:00+00:00"
_IDENTITY = {
    "GIT_AUTHOR_NAME": "Stand-in",
    "GIT_AUTHOR_EMAIL": "stand-in@example.invalid",
    "GIT_AUTHOR_DATE": WHEN,
    "GIT_COMMITTER_NAME": "Stand-in",
    "GIT_COMMITTER_EMAIL": "stand-in@example.invalid",
    "GIT_COMMITTER_DATE": WHEN,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


def make_repository(root: Path, app: Path = EXAMPLE_APP) -> str:
    """Make ``root/example-app.git`` from the files of ``app`` and return the SHA of its one commit."""
    repository = root / REPOSITORY
    _git(root, "init", "--quiet", "--bare", "--initial-branch=main", str(repository))
    work = ("--git-dir", str(repository), "--work-tree", str(app))
    _git(app, *work, "-c", "core.fileMode=false", "add", "--all", ".")
    _git(app, *work, "commit", "--quiet", "--message", "Example app")
    _git(app, *work, "tag", "v1.0.0")
    # As the great hosts do: a single commit may be asked for by its SHA.
    for key in ("uploadpack.allowAnySHA1InWant", "http.uploadpack"):
        _git(repository, "config", key, "true")
    return _git(repository, "rev-parse", "main").strip()


def make_app(root: Path, credentials: tuple[str, str] | None = None) -> web.Application:
    """An application that serves every repository below ``root``; ``credentials`` = (user, password) if wanted."""
    app = web.Application(client_max_size=64 * 1024 * 1024)

    async def serve(request: web.Request) -> web.Response:
        if credentials and request.headers.get("authorization") != _basic(credentials):
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="stand-in"'})
        if request.path.startswith("/private/") and request.headers.get("authorization") != _basic(PRIVATE):
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="stand-in"'})
        return await _http_backend(root, request)

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"standin": "git", "ok": True})

    app.add_routes([web.get("/healthz", healthz), web.route("*", "/{path:.+}", serve)])
    return app


def _basic(credentials: tuple[str, str]) -> str:
    return "Basic " + base64.b64encode(":".join(credentials).encode()).decode()


async def _http_backend(root: Path, request: web.Request) -> web.Response:
    """Let git's own CGI program answer."""
    environment = {
        "PATH": os.environ["PATH"],
        **_IDENTITY,
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
        # The repository may have been made by another user of the image.
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
        "PATH_INFO": request.path.removeprefix("/private"),
        "QUERY_STRING": request.query_string,
        "REQUEST_METHOD": request.method,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "REMOTE_ADDR": request.remote or "",
    }
    body = await request.read()  # aiohttp unpacks a gzipped one
    environment["CONTENT_LENGTH"] = str(len(body))
    program = await asyncio.create_subprocess_exec(
        "git",
        "http-backend",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    output, _errors = await program.communicate(body)
    head, _, content = output.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n") if ": " in line)
    status = int(headers.pop("Status", "200 OK").split()[0])
    return web.Response(status=status, body=content, headers=headers)


def _git(folder: Path, *arguments: str) -> str:
    environment = {"PATH": os.environ["PATH"], **_IDENTITY}
    done = subprocess.run(("git", *arguments), cwd=folder, env=environment, check=True, capture_output=True, text=True)
    return done.stdout
