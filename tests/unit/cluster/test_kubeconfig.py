"""Who asks, as kubectl reads it from a kubeconfig: whom its user acts as, and the program that it logs in by."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from multidict import CIMultiDict

from publishbuild.client import UnauthorizedError, connected
from publishbuild.cluster.api import ApiError
from publishbuild.cluster.connect import connect
from publishbuild.cluster.kubeconfig import impersonation
from publishbuild.cluster.login_program import LoginProgram
from tests.standins.make_certificate import make_certificate

V1 = "client.authentication.k8s.io/v1"


@pytest.fixture
async def asked() -> AsyncIterator[tuple[str, list[CIMultiDict[str]]]]:
    """A server's address, and the headers of each request to it."""
    seen: list[CIMultiDict[str]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.headers.copy())
        return web.json_response({})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/"), seen


def kubeconfig(folder: Path, user: dict[str, Any], server: str = "http://127.0.0.1:1") -> str:
    config = {
        "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "jane"}}],
        "users": [{"name": "jane", "user": user}],
    }
    folder.mkdir(exist_ok=True)
    (folder / "kubeconfig").write_text(json.dumps(config))
    return str(folder / "kubeconfig")


def a_program(file: Path, script: str) -> Path:
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o700)
    return file


def read(file: str) -> str:
    return Path(file).read_text()


def printing(credential: Any) -> str:
    return f"cat <<'END'\n{json.dumps(credential)}\nEND"


async def test_each_request_says_whom_the_user_acts_as(
    tmp_path: Path, asked: tuple[str, list[CIMultiDict[str]]]
) -> None:
    """What is asked in somebody's name is never asked with the token's own rights: requests and watches alike."""
    server, seen = asked
    user = {
        "token": "t",
        "as": "jane",
        "as-uid": "u-1",
        "as-groups": ["mobile", "web"],
        "as-user-extra": {"example.com/team a": ["x", "y"]},
    }
    api = await connect(lambda *_: None, kubeconfig=kubeconfig(tmp_path, user, server))
    await api.request("GET", "/x", resource="jobs")
    async for _ in api.lines("/x", resource="jobs", query={}, silence_seconds=5):
        pass
    await api.server_time()
    await api.close()
    assert len(seen) == 3
    for headers in seen:
        assert headers["Authorization"] == "Bearer t"
        assert headers.getall("Impersonate-User") == ["jane"]
        assert headers.getall("Impersonate-Uid") == ["u-1"]
        assert headers.getall("Impersonate-Group") == ["mobile", "web"]
        assert headers.getall("Impersonate-Extra-example.com%2Fteam%20a") == ["x", "y"]


async def test_who_acts_as_nobody_sends_nothing_of_it(
    tmp_path: Path, asked: tuple[str, list[CIMultiDict[str]]]
) -> None:
    """Without `as` no header speaks of somebody else."""
    server, seen = asked
    api = await connect(lambda *_: None, kubeconfig=kubeconfig(tmp_path, {"token": "t"}, server))
    await api.request("GET", "/x", resource="jobs")
    await api.close()
    assert not [name for name in seen[0] if name.lower().startswith("impersonate")]


@pytest.mark.parametrize(
    ("user", "told"),
    [
        ({"as-groups": ["mobile"]}, "as-groups needs as"),
        ({"as-uid": "u"}, "as-uid needs as"),
        ({"as": 7}, "as: '7' must be a text of one line"),
        ({"as": "jane\r\nImpersonate-Group: system:masters"}, "must be a text of one line"),
        ({"as": "jane", "as-groups": "mobile"}, "as-groups is a list"),
        ({"as": "jane", "as-user-extra": {"team": "x"}}, "as-user-extra: 'team' must be a list"),
    ],
)
def test_what_cannot_be_sent_stops_it(user: dict[str, Any], told: str) -> None:
    """A wish to act as somebody that cannot be sent is never left out: one line says what is wrong with it."""
    with pytest.raises(ApiError, match=told):
        impersonation(user)


async def test_a_program_beside_the_kubeconfig_is_found(
    tmp_path: Path, asked: tuple[str, list[CIMultiDict[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative command lies beside the kubeconfig, wherever the caller stands, and gets its arguments and `env`."""
    server, seen = asked
    user = {"exec": {"apiVersion": V1, "command": "./plugin", "args": ["a"], "env": [{"name": "B", "value": "b"}]}}
    file = kubeconfig(tmp_path / "there", user, server)
    credential = json.dumps({"apiVersion": V1, "kind": "ExecCredential", "status": {"token": "TOKEN"}})
    a_program(tmp_path / "there" / "plugin", f"echo '{credential}' | sed \"s/TOKEN/$1-$B/\"")
    monkeypatch.chdir(tmp_path)
    api = await connect(lambda *_: None, kubeconfig=file)
    await api.request("GET", "/x", resource="jobs")
    await api.close()
    assert seen[0]["Authorization"] == "Bearer a-b"


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (None, r"user jane cannot log in: its program \S+/plugin cannot be run: No such file or directory \(get it\)"),
        ("echo session expired: run login >&2; exit 3", "/plugin ended with 3: session expired: run login"),
        ("exit 1", r"/plugin ended with 1$"),
        ("echo secret-token", r"/plugin printed no ExecCredential \(JSON\)$"),
        (printing({"apiVersion": V1, "status": {}}), "printed no ExecCredential with status.token"),
        (printing({"apiVersion": "v9", "status": {"token": "t"}}), f"printed apiVersion v9, not {V1}"),
    ],
)
async def test_a_program_that_fails_is_the_reason_that_is_told(
    tmp_path: Path, script: str | None, told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Where the login program fails nothing is asked as nobody: its own error is the one line that is told."""
    if script:
        a_program(tmp_path / "plugin", script)
    user = {"exec": {"apiVersion": V1, "command": "./plugin", "installHint": "get it\n"}}
    with pytest.raises(UnauthorizedError, match=told):
        async with connected(kubeconfig=kubeconfig(tmp_path, user)):
            pass
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("left", "told"), [(timedelta(minutes=3), None), (timedelta(minutes=-1), "1: no more")])
async def test_what_a_program_gave_is_used_until_it_ends(
    tmp_path: Path, asked: tuple[str, list[CIMultiDict[str]]], left: timedelta, told: str | None
) -> None:
    """A token that its program cannot renew is used while it holds; then the program's failure is told."""
    ends = (datetime.now(UTC) + left).strftime("%Y-%m-%dT%H:%M:%SZ")
    credential = {"apiVersion": V1, "status": {"token": "t", "expirationTimestamp": ends}}
    program = a_program(tmp_path / "plugin", printing(credential))
    user = {"exec": {"apiVersion": V1, "command": "./plugin"}}
    api = await connect(lambda *_: None, kubeconfig=kubeconfig(tmp_path, user, asked[0]))
    a_program(program, "echo no more >&2; exit 1")
    try:
        if told:
            with pytest.raises(ApiError, match=told):
                await api.request("GET", "/x", resource="jobs")
        else:
            await api.request("GET", "/x", resource="jobs")
    finally:
        await api.close()
    assert len(asked[1]) == (0 if told else 1)


async def test_a_program_may_give_a_certificate(tmp_path: Path) -> None:
    """A certificate and its key are as good as a token, and either alone is not."""
    make_certificate(tmp_path, ["127.0.0.1"])
    cert, key = ((tmp_path / name).read_text() for name in ("tls.crt", "tls.key"))
    status = {"clientCertificateData": cert, "clientKeyData": key}
    a_program(tmp_path / "plugin", printing({"apiVersion": V1, "status": status}))
    user = {"exec": {"apiVersion": V1, "command": "./plugin"}}
    api = await connect(lambda *_: None, kubeconfig=kubeconfig(tmp_path, user))
    used = api._client.configuration
    assert (read(used.cert_file), read(used.key_file)) == (cert, key)
    await api.close()
    a_program(tmp_path / "plugin", printing({"apiVersion": V1, "status": {"clientCertificateData": cert}}))
    with pytest.raises(ApiError, match="or a certificate with its key"):
        await LoginProgram(user["exec"], "jane", str(tmp_path)).run()
