"""The embedded Redis's configuration, read by a real redis-server."""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from hack.demo.kubectl import ROOT
from publishbuild.build_queue.redis_queue import RedisQueue
from tests.support.chart import of_kind, rendered
from tests.support.ports import free_port
from tests.support.waiting import until


@pytest.fixture(params=[False, True], ids=["memory", "volume"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[int, str]]:
    """Port and password of a server that runs with what the chart puts into its Secret."""
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
    yield port, text["password"]
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


async def test_the_queue_works_with_the_charts_configuration(server: tuple[int, str]) -> None:
    """The user of the chart's URL can rebuild the queue; nobody without its password can do anything."""
    port, password = server
    with redis.Redis(port=port, username="publishbuild", password=password) as client:
        until(lambda: answers(client), seconds=10, what="Redis answers")
    queue = RedisQueue(f"redis://publishbuild:{password}@127.0.0.1:{port}/0", "epoch-1")
    await queue.rebuild({}, now=0)
    await queue.close()
    with redis.Redis(port=port) as nobody, pytest.raises(redis.exceptions.AuthenticationError):
        nobody.execute_command("ZCARD", "{publishbuild}:waiting")
