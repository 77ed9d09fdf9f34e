"""The embedded Redis's configuration, read by a real redis-server."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import resource
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import redis

from hack.demo.kubectl import ROOT
from publishbuild.build_queue.redis_queue import RedisQueue
from publishbuild.dispatcher import IDLE_SECONDS
from tests.support.chart import of_kind, rendered, template
from tests.support.ports import free_port
from tests.support.waiting import until


class Server(NamedTuple):
    """A running redis-server: where it listens, its user's password, its process and what it was configured with."""

    port: int
    password: str
    pid: int
    conf: str

    @property
    def resident_bytes(self) -> int:
        """What the process holds in memory."""
        [kilobytes] = re.findall(r"^VmRSS:\s+(\d+) kB$", Path(f"/proc/{self.pid}/status").read_text(), re.MULTILINE)
        return int(kilobytes) * 1024


@pytest.fixture(params=[False, True], ids=["memory", "volume"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A server that runs with what the chart puts into its Secret."""
    values = {"redis": {"embedded": {"persistence": {"enabled": request.param}}}}
    [secret] = of_kind(rendered(values), "Secret")
    text = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    assert text["password"] not in text["redis.conf"]
    conf, port = tmp_path / "redis.conf", free_port()
    conf.write_text(text["redis.conf"].replace("dir /data\n", f"dir {tmp_path}\n"))
    program = os.environ.get("REDIS_SERVER") or shutil.which("redis-server")
    assert program, "redis-server is missing: apt-get install redis-server"
    where = ["--port", str(port), "--bind", "127.0.0.1"]
    process = subprocess.Popen([program, str(conf), *where], stdout=subprocess.DEVNULL)
    made = Server(port, text["password"], process.pid, text["redis.conf"])
    with redis.Redis(port=port, username="publishbuild", password=made.password) as client:
        until(lambda: answers(client), seconds=10, what="Redis answers")
    yield made
    process.kill()
    process.wait(10)


def answers(client: Any) -> bool:
    try:
        client.execute_command("ZCARD", "{publishbuild}:waiting")
    except redis.exceptions.ConnectionError:
        return False
    return True


def test_the_user_has_the_rights_that_the_page_lists() -> None:
    """The chart grants what docs/redis.md lists for one server, proven there to be enough and none in vain."""
    page = (ROOT / "docs" / "redis.md").read_text()
    listed = re.search(r"### One server.*?ACL SETUSER publishbuild on >PASSWORD ([^`]+?)\n```", page, re.DOTALL)
    assert listed
    [secret] = of_kind(rendered(), "Secret")
    conf = base64.b64decode(secret["data"]["redis.conf"]).decode()
    users = re.findall(r"^user (\S+) (.*)$", conf, re.MULTILINE)
    assert [name for name, _ in users] == ["default", "publishbuild"]
    assert users[0][1] == "off"
    [on, password, *rights] = users[1][1].split()
    assert (on, password[0]) == ("on", "#")
    assert rights == listed[1].replace("\\\n", " ").split()


async def test_the_queue_works_with_the_charts_configuration(server: Server) -> None:
    """The user of the chart's URL can rebuild the queue; nobody without its password can do anything."""
    queue = RedisQueue(f"redis://publishbuild:{server.password}@127.0.0.1:{server.port}/0", "epoch-1")
    await queue.rebuild({}, now=0)
    await queue.close()
    with redis.Redis(port=server.port) as nobody, pytest.raises(redis.exceptions.AuthenticationError):
        nobody.execute_command("ZCARD", "{publishbuild}:waiting")


@pytest.fixture
def many_files() -> Iterator[None]:
    """Lets this process open as many connections as the machine allows it."""
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))


@pytest.mark.usefixtures("many_files")
@pytest.mark.parametrize("server", [False], indirect=True, ids=["memory"])
async def test_half_commands_of_strangers_cost_a_bounded_sum(server: Server) -> None:
    """3,000 connections that send half a command cost Redis less than 48 MB, and the operator's own goes on."""
    queue = RedisQueue(f"redis://publishbuild:{server.password}@127.0.0.1:{server.port}/0", "epoch-1")
    await queue.rebuild({}, now=0)
    with ExitStack() as flood:
        for _ in range(3000):
            half = flood.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=10))
            # Those past the limit may have been closed already.
            with suppress(ConnectionError):
                half.sendall(b"*3\r\n$3\r\nSET\r\n$16000\r\n" + b"x" * 15_990)
        await queue.rebuild({}, now=0)
        assert server.resident_bytes < 48_000_000
    await queue.close()


@pytest.mark.parametrize("server", [False], indirect=True, ids=["memory"])
def test_silent_strangers_are_sent_away_and_the_operator_never_is(server: Server) -> None:
    """Redis closes silent connections after a while that is many turns of the operator long."""
    [seconds] = re.findall(r"^timeout (\d+)$", server.conf, re.MULTILINE)
    assert 20 * IDLE_SECONDS <= int(seconds) <= 60


def checksums(values: dict[str, Any], release: str = "publishbuild-operator") -> set[str]:
    """The annotations by which pods start anew when their part of the Secret changes."""
    return set(re.findall(r"^ *checksum/redis: (\S+)$", template(values, release=release).stdout, re.MULTILINE))


@pytest.mark.parametrize(
    "redis_values",
    [
        pytest.param({"url": "redis://:hunter2@redis.example:6379/0"}, id="url"),
        pytest.param({"embedded": {"password": "hunter2-hunter2-"}}, id="password"),
    ],
)
def test_the_checksum_helps_nobody_to_guess(redis_values: dict[str, Any]) -> None:
    """A chosen password shows in pods' annotations salted and slowly hashed, the same at each rendering."""
    values = {"redis": redis_values}
    [said] = checksums(values)
    secrets = of_kind(rendered(values), "Secret")[0]["data"].values()
    assert said not in {hashlib.sha256(base64.b64decode(text)).hexdigest() for text in secrets}
    assert checksums(values) == {said}
    assert checksums(values, "another-release") != {said}


def test_a_changed_configuration_starts_redis_anew() -> None:
    """Each value that the configuration is made of changes the annotation of the pods that read it."""
    embedded: list[dict[str, Any]] = [{}, {"maxmemory": "80mb"}, {"persistence": {"enabled": True}}]
    fixed = {"password": "hunter2-hunter2-"}
    assert len({tuple(checksums({"redis": {"embedded": fixed | values}})) for values in embedded}) == len(embedded)
