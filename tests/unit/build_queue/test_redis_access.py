"""The rights that docs/redis.md asks for are enough, and each of them is needed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from publishbuild.build_queue.redis_queue import EPOCH, QueueUnavailableError, RedisQueue
from publishbuild.decide.order import Room
from tests.support.redis_servers import SentinelServer, Server, cluster, ended, eventually

PAGE = (Path(__file__).parents[3] / "docs" / "redis.md").read_text()
ONE = Room(places=1, namespace_limit=0, running={}, busy=(), turns={"a": 0})
PASSWORD = "p@ss/w?rd:%#"
ENCODED = "p%40ss%2Fw%3Frd%3A%25%23"


def rights(heading: str) -> list[str]:
    """The words of the ``ACL SETUSER`` under a heading of the page, without user and password."""
    found = re.search(rf"{heading}.*?ACL SETUSER publishbuild on >PASSWORD ([^`]+?)\n```", PAGE, re.DOTALL)
    assert found, heading
    return found[1].replace("\\\n", " ").split()


SINGLE, CLUSTER, SENTINEL = rights("### One server"), rights("### Cluster"), rights("### Sentinel")
COMMANDS = [word for word in SINGLE if word.startswith("+")]


def member(number: int, uid: str) -> str:
    return f"a:1000:00000000001:0000000000000000{number}:{uid}:k"


async def life(url: str) -> list[str]:
    """Everything that the queue does, once: claims in order."""
    queue = RedisQueue(url, "e")
    try:
        await queue.rebuild({"x": member(1, "x"), "y": member(2, "y")}, ["x"], now=0)
        first = await queue.turn(ONE, now=1, gone=["x"], waiting={"y": member(9, "y"), "z": member(3, "z")})
        # The claim of z has ended by now, and y, that moved behind it, leaves without having had a turn.
        second = await queue.turn(ONE, now=1000, gone=["y"])
        return [*first.claimed, *second.claimed]
    finally:
        await queue.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("access")).start()
    yield made
    made.kill()


def allow(server: Server, words: list[str]) -> str:
    """The URL of a user that has these rights alone."""
    server.do("FLUSHALL")
    server.do("SCRIPT FLUSH")
    server.do("ACL", "SETUSER", "publishbuild", "reset", "on", f">{PASSWORD}", *words)
    return f"publishbuild:{ENCODED}@{server.place}"


async def test_the_rights_are_enough(server: Server) -> None:
    """A user with the page's rights and a password of special characters runs all, and is never refused anything."""
    url = allow(server, SINGLE)
    server.do("ACL LOG", "RESET")
    assert await life(f"redis://{url}/0") == ["z", "z"]
    assert server.do("ACL LOG") == []


@pytest.mark.parametrize("missing", COMMANDS)
async def test_each_right_is_needed(server: Server, missing: str) -> None:
    """Without any one of them the queue says that a right is missing: the page asks for nothing in vain."""
    url = allow(server, [word for word in SINGLE if word != missing])
    with pytest.raises(QueueUnavailableError) as caught:
        await life(f"redis://{url}/0")
    assert caught.value.word == "permission"


async def test_other_keys_are_out_of_reach(server: Server) -> None:
    """The keys are the queue's own: with another pattern nothing works."""
    url = allow(server, [word if not word.startswith("~") else "~other:*" for word in SINGLE])
    with pytest.raises(QueueUnavailableError) as caught:
        await life(f"redis://{url}/0")
    assert caught.value.word == "permission"


async def test_another_database_needs_select(server: Server) -> None:
    """A database other than 0 takes one more right, which the page names."""
    assert await life(f"redis://{allow(server, [*SINGLE, '+select'])}/3") == ["z", "z"]
    assert "`+select`" in PAGE


async def test_the_rights_are_enough_at_a_sentinel(server: Server, tmp_path: Path) -> None:
    """A Sentinel's user needs the one right that the page names, and has a password of its own."""
    sentinel = SentinelServer(tmp_path, server).start()
    with ended(sentinel):
        url = allow(server, SINGLE)
        sentinel.do("ACL", "SETUSER", "asker", "reset", "on", f">other {PASSWORD}", *SENTINEL)
        asker = f"sentinel_username=asker&sentinel_password=other%20{ENCODED}"
        place = url.rpartition("@")[0] + f"@{sentinel.place}"
        assert await life(f"redis+sentinel://{place}/mymaster/0?{asker}") == ["z", "z"]
        sentinel.do("ACL", "SETUSER", "asker", "-@all")
        with pytest.raises(QueueUnavailableError) as caught:
            await life(f"redis+sentinel://{place}/mymaster/0?{asker}")
        assert caught.value.word == "permission"


async def test_the_rights_are_enough_in_a_cluster(tmp_path: Path) -> None:
    """The few more rights that finding the nodes of a Cluster takes are those of the page."""
    nodes = cluster(tmp_path)
    with ended(*nodes):
        for node in nodes:
            url = allow(node, CLUSTER)
        claimed: list[list[str]] = []

        async def lived() -> bool:
            try:
                claimed.append(await life(f"redis+cluster://{url}"))
            except QueueUnavailableError as error:
                if error.word == "permission":
                    raise
            return bool(claimed)

        await eventually(lived, seconds=20, what="the queue runs")
        assert claimed == [["z", "z"]]
        assert nodes[0].do("EXISTS", EPOCH) == 1
        for missing in set(CLUSTER) - set(SINGLE):
            for node in nodes:
                allow(node, [word for word in CLUSTER if word != missing])
            with pytest.raises(QueueUnavailableError) as caught:
                await life(f"redis+cluster://{url}")
            assert caught.value.word == "permission"
