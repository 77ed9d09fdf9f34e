"""The stand-ins themselves: what tests and demo rest on behaves as its README says."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import ssl
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from publishbuild.runner.failures import AttemptFailed
from publishbuild.runner.git import Clone
from publishbuild.runner.git_access import GitAccess
from publishbuild.runner.logs import LogTail, make_log
from publishbuild.runner.redact import Redactor
from tests.standins import git_server
from tests.standins.eas_api.server import make_app
from tests.standins.eas_api.world import Stages, World
from tests.standins.forwarder import forward
from tests.standins.make_certificate import make_certificate
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

BASE = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
CREATE = {"operationName": "CreateAndroidBuildMutation", "query": "…"}


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[str]]]:
    """Serve an application on a free port of this host; gives its URL."""
    runners: list[web.AppRunner] = []

    async def start(app: web.Application, tls: ssl.SSLContext | None = None) -> str:
        runner = web.AppRunner(app)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        return f"http{'s' if tls else ''}://127.0.0.1:{runner.addresses[0][1]}"

    yield start
    for runner in runners:
        await runner.cleanup()


def clone(tmp_path: Path, url: str, secret: Path | None = None) -> str:
    environment = {**BASE, "GIT_SSL_CAINFO": str(tmp_path / "tls" / "ca.crt")}
    access = GitAccess.prepare(environment, url, secret, tmp_path / "private")
    return Clone(tmp_path / "clone", access, make_log(Redactor(set()), LogTail())).fetch(url, "main")


def test_the_example_repository_is_the_same_wherever_it_is_made(tmp_path: Path) -> None:
    """A fixed author and date give a fixed commit, so a demo can name it."""
    commits = set()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        commits.add(git_server.make_repository(tmp_path / name))
    assert len(commits) == 1


async def test_a_shallow_clone_over_http_gives_the_example_app(
    tmp_path: Path, serve: Callable[[web.Application], Awaitable[str]]
) -> None:
    """Smart HTTP: the runner's own way of cloning works against it."""
    (tmp_path / "root").mkdir()
    commit = git_server.make_repository(tmp_path / "root")
    url = await serve(git_server.make_app(tmp_path / "root"))
    assert await asyncio.to_thread(clone, tmp_path, f"{url}/example-app.git") == commit
    assert (tmp_path / "clone" / "eas.json").exists()


@pytest.mark.parametrize("password", ["right", "wrong", None])
async def test_a_basic_auth_secret_opens_a_private_repository(
    tmp_path: Path, serve: Callable[..., Awaitable[str]], password: str | None
) -> None:
    """The right password clones; a wrong one or none is a failure that no retry helps."""
    (tmp_path / "root").mkdir()
    commit = git_server.make_repository(tmp_path / "root")
    make_certificate(tmp_path / "tls", ["127.0.0.1"])
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "tls" / "tls.crt", tmp_path / "tls" / "tls.key")
    url = await serve(git_server.make_app(tmp_path / "root", credentials=("bob", "right")), tls)
    secret = None
    if password:
        secret = tmp_path / "secret"
        secret.mkdir()
        (secret / "username").write_text("bob")
        (secret / "password").write_text(password)
    if password == "right":
        assert await asyncio.to_thread(clone, tmp_path, f"{url}/example-app.git", secret) == commit
        return
    with pytest.raises(AttemptFailed) as caught:
        await asyncio.to_thread(clone, tmp_path, f"{url}/example-app.git", secret)
    assert caught.value.failure.reason == "SourceAuthFailed"


async def ask(url: str, who: str = "any", **body: object) -> dict[str, object]:
    headers = {"authorization": f"Bearer {who}"}
    async with aiohttp.ClientSession() as session, session.post(f"{url}/graphql", json=body, headers=headers) as answer:
        assert "stand-in" in answer.headers["X-Standin"]
        found: dict[str, object] = await answer.json()
        return found


async def test_an_operation_that_is_not_known_is_named(serve: Callable[[web.Application], Awaitable[str]]) -> None:
    """Whoever updates eas-cli learns at once which answer is missing."""
    url = await serve(make_app(World(clock=lambda: 0.0)))
    answer = await ask(url, operationName="NewInTheNextRelease", query="…")
    assert "'NewInTheNextRelease'" in str(answer["errors"])


async def test_only_the_token_named_invalid_is_refused(serve: Callable[[web.Application], Awaitable[str]]) -> None:
    """Any other string logs in."""
    url = await serve(make_app(World(clock=lambda: 0.0)))
    assert "data" in await ask(url, operationName="CurrentUser", query="…")
    assert "bearer token is invalid" in str(await ask(url, "invalid", operationName="CurrentUser", query="…"))


async def test_a_build_goes_through_every_status_and_is_counted(
    serve: Callable[[web.Application], Awaitable[str]],
) -> None:
    """NEW, IN_QUEUE, IN_PROGRESS, then its outcome; the counts tell what would have been paid for."""
    now = [0.0]
    world = World(clock=lambda: now[0], stages=Stages(new=1, in_queue=1, in_progress=1))
    url = await serve(make_app(world))
    variables = {"metadata": {"message": "pb:u:android", "buildProfile": "production"}}
    await ask(url, **CREATE, variables=variables)
    (build,) = world.builds.values()
    seen = []
    for now[0] in (0.5, 1.5, 2.5, 3.5):
        seen.append(build.status_at(now[0]))
    assert seen == ["NEW", "IN_QUEUE", "IN_PROGRESS", "FINISHED"]
    async with aiohttp.ClientSession() as session, session.get(f"{url}/standin/counts") as answer:
        assert (await answer.json())["buildsByMessage"] == {"pb:u:android": 1}


async def test_the_next_build_can_be_told_to_fail(serve: Callable[[web.Application], Awaitable[str]]) -> None:
    """``nextOutcomes`` holds for one build each; a bad setting is refused with 400."""
    world = World(clock=lambda: 100.0, stages=Stages(0, 0, 0))
    url = await serve(make_app(world))
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{url}/standin/settings", json={"nextOutcomes": ["ERRORED"]}) as answer:
            assert answer.status == 200
        async with session.post(f"{url}/standin/settings", json={"stages": {"no_such": 1}}) as answer:
            assert answer.status == 400
    for _ in range(2):
        await ask(url, **CREATE, variables={"metadata": {}})
    assert [build.status_at(100.0) for build in world.builds.values()] == ["ERRORED", "FINISHED"]


async def test_the_forwarder_passes_bytes_and_closes_where_nobody_listens(
    serve: Callable[[web.Application], Awaitable[str]],
) -> None:
    """What the pod's loopback gets is what the stand-in says; with the stand-in gone the connection closes."""
    url = await serve(make_app(World(clock=lambda: 0.0)))
    port = int(url.rsplit(":", 1)[1])
    before = asyncio.all_tasks()
    for target, alive in ((port, True), (1, False)):
        async with await forward("127.0.0.1", target, port=0) as server:
            near = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            async with aiohttp.ClientSession() as session:
                if alive:
                    async with session.get(f"{near}/healthz") as answer:
                        assert answer.status == 200
                else:
                    with pytest.raises(aiohttp.ClientError):
                        await session.get(f"{near}/healthz")
    # Both ends are closed by their own tasks: nothing of a connection may be left open behind the test.
    async with asyncio.timeout(10):
        await asyncio.gather(*(asyncio.all_tasks() - before))


@pytest.mark.parametrize(
    ("script", "stop", "code"),
    [
        ("raise SystemExit(64)", False, 64),
        ("import signal; signal.signal(15, lambda *a: exit(1)); print('up', flush=True); signal.pause()", True, 1),
    ],
)
async def test_the_wrapper_hands_on_signal_and_exit_code(script: str, stop: bool, code: int) -> None:
    """The Job sees the runner's exit code, and the runner sees the pod's SIGTERM."""
    wrapper = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.standins.run_with_forwarder", sys.executable, "-c", script),
        env={**os.environ, "STANDIN_EAS": "127.0.0.1:1", "STANDIN_FORWARD_PORT": "0"},
        stdout=asyncio.subprocess.PIPE,
    )
    assert wrapper.stdout is not None
    if stop:
        assert await wrapper.stdout.readline() == b"up\n"
        wrapper.send_signal(signal.SIGTERM)
    await wrapper.communicate()
    assert wrapper.returncode == code


async def _ask(url: str, faults: list[dict[str, object]], times: int = 1) -> list[int | str]:
    """Set faults, ask for a build so many times, and give each HTTP status, GraphQL error code or ``dropped``."""
    headers = {"authorization": "Bearer x"}
    seen: list[int | str] = []
    async with aiohttp.ClientSession(headers=headers) as http:
        async with http.post(f"{url}/standin/settings", json={"faults": faults}) as answer:
            assert answer.status == 200
        for _ in range(times):
            try:
                async with http.post(f"{url}/graphql", json=CREATE) as answer:
                    body = await answer.json() if answer.content_type == "application/json" else {}
                    errors = body.get("errors")
                    seen.append(errors[0]["extensions"]["errorCode"] if errors else answer.status)
            except aiohttp.ClientConnectionError:
                seen.append("dropped")
    return seen


@pytest.mark.parametrize(
    ("fault", "seen", "builds"),
    [
        ({"kind": "status", "status": 503, "times": 1}, [503, 200], 1),
        ({"kind": "error", "code": "ODD", "times": 1}, ["ODD", 200], 1),
        ({"kind": "drop", "times": 1}, ["dropped", 200], 1),
        ({"kind": "drop-after", "times": 1}, ["dropped", 200], 2),
        ({"kind": "slow", "delay": 0.01, "times": 1}, [200, 200], 2),
    ],
)
async def test_the_api_misbehaves_as_it_was_told(
    serve: Callable[[web.Application], Awaitable[str]], fault: dict[str, object], seen: list[int | str], builds: int
) -> None:
    """Each fault strikes as often as it was told to; what took effect is counted, also where its answer was lost."""
    url = await serve(make_app())
    assert await _ask(url, [{"operation": CREATE["operationName"], **fault}], times=2) == seen
    async with aiohttp.ClientSession() as http, http.get(f"{url}/standin/counts") as answer:
        counts = await answer.json()
    assert (counts["builds"], counts["struck"]) == (builds, 1)


@pytest.mark.parametrize(("kind", "builds"), [("hold", 0), ("hold-after", 1)])
async def test_a_held_request_ends_when_it_is_released(
    serve: Callable[[web.Application], Awaitable[str]], kind: str, builds: int
) -> None:
    """A test learns what is held and lets it go; "hold" never takes effect, "hold-after" already has."""
    url = await serve(make_app())
    asked = asyncio.create_task(_ask(url, [{"operation": "*", "kind": kind}]))

    def is_held() -> bool:
        with urllib.request.urlopen(f"{url}/standin/held", timeout=10) as answer:  # noqa: S310 - our own server
            return bool(json.load(answer) == [CREATE["operationName"]])

    await asyncio.to_thread(until, is_held, seconds=30, what="the request is held")
    async with aiohttp.ClientSession() as http:
        await http.post(f"{url}/standin/release")
        assert await asked == ["dropped"]
        counts = await (await http.get(f"{url}/standin/counts")).json()
    assert counts["builds"] == builds


async def test_a_fault_that_is_misspelt_is_refused(serve: Callable[[web.Application], Awaitable[str]]) -> None:
    """A test that sets no fault would prove nothing."""
    url = await serve(make_app())
    async with aiohttp.ClientSession() as http:
        for fault in ({"operation": "*", "kind": "explode"}, {"operation": "*", "kind": "drop", "tims": 1}):
            async with http.post(f"{url}/standin/settings", json={"faults": [fault]}) as answer:
                assert answer.status == 400


async def test_a_store_takes_a_build_once() -> None:
    """A second submission of the same build ends ERRORED with the store's words, and cannot be retried."""
    world = World(clock=lambda: 0, stages=Stages(*[0.0] * 5))
    first, second = (world.create_submission("IOS", "build", {}) for _ in range(2))
    assert (first.outcome, second.outcome) == ("FINISHED", "ERRORED")
    assert second.error is not None
    assert "already submitted" in second.error["message"]
    assert not second.error["canRetry"]
