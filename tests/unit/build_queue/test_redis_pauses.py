"""A Redis that hangs: turns end, connections stay few, and no late answer is taken for another's."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

import pytest

from publishbuild.build_queue import connection
from publishbuild.build_queue.redis_queue import QueueUnavailableError, RedisQueue, StaleIndexError
from publishbuild.decide.order import Room
from tests.support.redis_servers import Server, eventually
from tests.support.waiting import until

NONE = Room(places=0, namespace_limit=0, running={}, busy=(), turns={"a": 0})
ONE = Room(places=1, namespace_limit=0, running={}, busy=(), turns={"a": 0})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("pauses")).start()
    yield made
    made.kill()


def waiting(*uids: str) -> dict[str, str]:
    return {uid: f"a:1000:00000000001:0000000000000000{n}:{uid}:" for n, uid in enumerate(uids)}


async def test_a_turn_ends_while_redis_is_frozen(server: Server) -> None:
    """A turn on a frozen Redis ends by its own limit, and the first one after the thaw works."""
    queue = RedisQueue(server.url, "e")
    await queue.rebuild(waiting("x"), now=0)
    with server.frozen():
        async with asyncio.timeout(2 * connection.ANSWER_SECONDS):
            with pytest.raises(QueueUnavailableError) as caught:
                await queue.turn(NONE, now=0)
    assert caught.value.word == "timeout"
    assert (await queue.turn(ONE, now=0)).claimed == ["x"]
    await queue.close()


async def test_a_turn_ends_while_redis_is_paused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """CLIENT PAUSE holds every write: a turn ends by its own limit, and goes on as soon as the pause ends."""
    monkeypatch.setattr(connection, "ANSWER_SECONDS", 0.5)
    queue = RedisQueue(server.url, "e")
    await queue.rebuild(waiting("x"), now=0)
    server.do("CLIENT PAUSE", 30_000, "WRITE")
    with pytest.raises(QueueUnavailableError, match="timeout"):
        await queue.turn(NONE, now=0)
    server.do("CLIENT UNPAUSE")
    assert (await queue.turn(ONE, now=0)).claimed == ["x"]
    await queue.close()


async def test_a_late_answer_is_nobodys(server: Server) -> None:
    """Turns that were given up, cancelled or timed out, are answered late: no later turn reads those answers."""
    queue = RedisQueue(server.url, "e")
    await queue.rebuild(waiting("x"), now=0)
    assert await queue.turn(NONE, now=0)
    # The claim of x is on its way when the caller goes, and is answered when nobody listens any more.
    with server.frozen():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await queue.turn(ONE, now=0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await queue.rebuild(waiting("p", "q"), now=0)
        # One more is sent while the others are still owed their answers.
        asked = asyncio.create_task(queue.turn(NONE, now=0))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await asyncio.shield(asked)
    with contextlib.suppress(StaleIndexError):
        assert (await asked).claimed == []
    await eventually(lambda: _settled(queue), seconds=10, what="the index is whole again")
    turns = [(await queue.turn(ONE, now=0)).claimed for _ in range(3)]
    assert turns == [["y"], ["z"], []]
    await queue.close()


async def _settled(queue: RedisQueue) -> bool:
    try:
        await queue.rebuild(waiting("y", "z"), now=0)
        return (await queue.turn(NONE, now=0)).held == 2
    except (QueueUnavailableError, StaleIndexError):
        return False


async def test_connections_stay_few(server: Server) -> None:
    """Many turns at once on a frozen Redis hold a handful of connections, and none of them afterwards."""
    before, made = int(server.info("connected_clients")), int(server.info("total_connections_received"))
    queue = RedisQueue(server.url, "e")
    with server.frozen():
        await asyncio.gather(*(_gives_up(queue) for _ in range(50)))
    until(lambda: int(server.info("connected_clients")) <= before + 4, seconds=10, what="few connections")
    # Three rounds of four, and those of this test itself; not three rounds of fifty.
    assert int(server.info("total_connections_received")) - made < 50
    assert await _settled(queue)
    await queue.close()
    until(lambda: int(server.info("connected_clients")) <= before, seconds=10, what="none is left")


async def _gives_up(queue: RedisQueue) -> None:
    for _ in range(3):
        with pytest.raises((QueueUnavailableError, TimeoutError)):
            async with asyncio.timeout(0.3):
                await queue.turn(NONE, now=0)
