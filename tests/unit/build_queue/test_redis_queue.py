"""The queue in a real Redis: one script that agrees with `choose`, and an index that may vanish."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from publishbuild.build_queue.redis_queue import (
    CLAIM_SECONDS,
    CLAIMS,
    EPOCH,
    MEMBERS,
    WAITING,
    QueueUnavailableError,
    RedisQueue,
    StaleIndexError,
)
from publishbuild.decide.order import Room, Waiting, choose, member
from tests.builders import NOW

NAMESPACES = ("a", "b", "a-b")
KEYS = (None, None, "k", "prod:ios", "ключ", 'quote"\\')


def one(uid: str, *, priority: int = 0, namespace: str = "a", key: str | None = None, overdue: bool = False) -> str:
    return member(priority=priority, created=NOW, entered=NOW, uid=uid, namespace=namespace, key=key, overdue=overdue)


def room(
    places: int = 10,
    *,
    limit: int = 0,
    running: dict[str, int] | None = None,
    busy: tuple[str, ...] = (),
    turns: dict[str, int] | None = None,
    ranked: Collection[str] = (),
    reserved: int = 0,
) -> Room:
    turns = {"a": 0} if turns is None else turns
    return Room(places, limit, running or {}, busy, turns, ranked, reserved)


WIDE, NONE = room(1000), room(0)

lines = st.lists(
    st.tuples(
        st.integers(min_value=-3, max_value=3),
        st.sampled_from(NAMESPACES),
        st.sampled_from(KEYS),
        st.sampled_from([False, False, True]),
    ),
    min_size=1,
    max_size=15,
)
rooms = st.builds(
    room,
    st.integers(min_value=0, max_value=8),
    limit=st.integers(min_value=0, max_value=3),
    running=st.dictionaries(st.sampled_from(NAMESPACES), st.integers(min_value=0, max_value=3)),
    busy=st.lists(st.sampled_from(["a:k", "b:prod:ios", "a:ключ", 'b:quote"\\'])).map(tuple),
    turns=st.fixed_dictionaries(
        dict.fromkeys(NAMESPACES, st.integers(min_value=0, max_value=9)), optional={"c": st.just(0)}
    )
    | st.dictionaries(st.sampled_from([*NAMESPACES, "c"]), st.integers(min_value=0, max_value=9)),
    ranked=st.sets(st.sampled_from([*NAMESPACES, "c"])),
    reserved=st.integers(min_value=0, max_value=4),
)


def test_the_script_chooses_as_python_does(redis_url: str) -> None:
    """For any line and any room, the Lua script and `choose` give the same uids in the same order."""

    # What is reserved is reached while an idle namespace's build is overdue, and another's priority counts.
    @example(
        [(0, "a", None, False), (3, "b", None, False), (0, "a-b", None, True)],
        room(3, running={"a": 1}, turns={"a": 0, "b": 5, "a-b": 3}, ranked=["b"], reserved=2),
        0,
    )
    @settings(max_examples=300)
    @given(lines, rooms, st.sampled_from([0, 0, 0, 15, 16, 17, 200]))
    def same(line: list[tuple[int, str, str | None, bool]], free: Room, crowd: int) -> None:
        waiting = {
            f"uid-{n}": one(f"uid-{n}", priority=priority, namespace=namespace, key=key, overdue=overdue)
            for n, (priority, namespace, key, overdue) in enumerate(line)
        }
        # A crowd that a busy key holds makes the script read more than one page.
        waiting |= {f"held-{n}": one(f"held-{n}", priority=1, namespace="c", key="held") for n in range(crowd)}
        free = replace(free, busy=[*free.busy, "c:held"])

        async def turn() -> list[str]:
            queue = RedisQueue(redis_url, "same")
            try:
                await queue.rebuild({}, now=0)
                return (await queue.turn(free, now=0, waiting=waiting)).claimed
            finally:
                await queue.close()

        assert asyncio.run(turn()) == choose(waiting.values(), free)

    same()


class TestTurn:
    async def test_claims_come_in_order_and_are_counted(self, queue: RedisQueue) -> None:
        """The first in line get the places, and the answer counts all that the index holds."""
        waiting = {uid: one(uid, priority=p) for uid, p in (("low", -5), ("high", 5), ("mid", 0))}
        turn = await queue.turn(room(2), now=0, waiting=waiting)
        assert (turn.claimed, turn.held) == (["high", "mid"], 3)

    async def test_a_build_is_claimed_once(self, queue: RedisQueue) -> None:
        """Saying again that a claimed build waits does not claim it again."""
        waiting = {"x": one("x")}
        assert (await queue.turn(WIDE, now=0, waiting=waiting)).claimed == ["x"]
        again = await queue.turn(WIDE, now=1, waiting=waiting)
        assert (again.claimed, again.held) == ([], 1)

    async def test_a_claimed_build_that_moves_is_still_claimed_once(self, queue: RedisQueue) -> None:
        """A priority that changes while its claim is on the way neither doubles the build nor claims it twice."""
        await queue.turn(WIDE, now=0, waiting={"x": one("x")})
        again = await queue.turn(WIDE, now=1, waiting={"x": one("x", priority=9)})
        assert (again.claimed, again.held) == ([], 1)

    async def test_a_moved_build_is_in_line_once(self, queue: RedisQueue, redis: Redis) -> None:
        """A new member replaces the old one."""
        await queue.turn(NONE, now=0, waiting={"x": one("x"), "y": one("y")})
        turn = await queue.turn(room(1), now=0, waiting={"y": one("y", priority=9)})
        assert (turn.claimed, turn.held) == (["y"], 2)
        assert await redis.zcard(WAITING) == 1

    async def test_gone_builds_leave_nothing(self, queue: RedisQueue, redis: Redis) -> None:
        """A build that waits no longer leaves line, members and claims."""
        await queue.turn(room(1), now=0, waiting={"x": one("x"), "y": one("y")})
        turn = await queue.turn(NONE, now=0, gone=["x", "y", "never seen"])
        assert turn.held == 0
        assert await redis.exists(WAITING, MEMBERS, CLAIMS) == 0

    async def test_gone_and_waiting_again_in_one_turn(self, queue: RedisQueue) -> None:
        """A build that gave its claim back and waits again can be claimed at once."""
        await queue.turn(WIDE, now=0, waiting={"x": one("x")})
        turn = await queue.turn(WIDE, now=1, gone=["x"], waiting={"x": one("x")})
        assert turn.claimed == ["x"]

    async def test_a_claim_expires(self, queue: RedisQueue) -> None:
        """A claim that led to nothing is given out again after its time, and not before."""
        await queue.turn(WIDE, now=1000, waiting={"x": one("x")})
        assert (await queue.turn(WIDE, now=1000 + CLAIM_SECONDS)).claimed == []
        turn = await queue.turn(WIDE, now=1000 + CLAIM_SECONDS + 0.001)
        assert (turn.claimed, turn.held) == (["x"], 1)

    async def test_the_real_clock_is_kept_to_the_millisecond(self, queue: RedisQueue, redis: Redis) -> None:
        """Large times lose no digits on their way through the script."""
        await queue.turn(WIDE, now=1_764_000_000.123, waiting={"x": one("x")})
        assert await redis.zscore(CLAIMS, "x") == 1_764_000_060_123

    async def test_a_held_crowd_does_not_hide_those_behind(self, queue: RedisQueue) -> None:
        """Thousands that wait for one key do not stop a build behind them."""
        crowd = {f"held-{n:04d}": one(f"held-{n:04d}", priority=1, key="k") for n in range(2500)}
        turn = await queue.turn(room(5, busy=("a:k",)), now=0, waiting=crowd | {"free": one("free")})
        assert (turn.claimed, turn.held) == (["free"], 2501)


class TestStale:
    @pytest.mark.parametrize(
        "epoch", [pytest.param(None, id="index is gone"), pytest.param("somebody", id="another operator's index")]
    )
    async def test_a_stale_index_is_refused_and_not_touched(
        self, queue: RedisQueue, redis: Redis, epoch: str | None
    ) -> None:
        """A turn on an index that is gone or not ours changes nothing and says so."""
        await redis.flushall()
        if epoch:
            await redis.set(EPOCH, epoch)
        with pytest.raises(StaleIndexError):
            await queue.turn(WIDE, now=0, waiting={"x": one("x")})
        assert await redis.exists(WAITING, MEMBERS, CLAIMS) == 0

    async def test_rebuild_replaces_everything(self, queue: RedisQueue, redis: Redis) -> None:
        """After a rebuild the index holds what it was told and nothing older; claims are kept."""
        await queue.turn(room(1), now=0, waiting={"old": one("old"), "older": one("older")})
        await queue.rebuild({"x": one("x"), "y": one("y")}, ["x"], now=0)
        turn = await queue.turn(WIDE, now=1)
        assert (turn.claimed, turn.held) == (["y"], 2)
        assert set(await redis.hkeys(MEMBERS)) == {"x", "y"}

    async def test_rebuild_of_a_large_queue(self, queue: RedisQueue) -> None:
        """More builds than one chunk holds are all there, in order."""
        waiting = {f"u{n:05d}": one(f"u{n:05d}") for n in range(4500)}
        await queue.rebuild(waiting, now=0)
        turn = await queue.turn(room(3), now=0)
        assert (turn.claimed, turn.held) == (["u00000", "u00001", "u00002"], 4500)

    async def test_a_claim_of_a_rebuilt_index_expires(self, queue: RedisQueue) -> None:
        """A claim that a rebuild carried over ends like any other."""
        await queue.rebuild({"x": one("x")}, ["x"], now=100)
        assert (await queue.turn(WIDE, now=100 + CLAIM_SECONDS + 1)).claimed == ["x"]

    @pytest.mark.parametrize("lost", [WAITING, CLAIMS], ids=["line lost", "claims lost"])
    async def test_half_of_the_keys_lost_is_seen_in_the_count(self, queue: RedisQueue, redis: Redis, lost: str) -> None:
        """An index that lost a key holds fewer builds than wait."""
        await queue.turn(room(1), now=0, waiting={"x": one("x"), "y": one("y")})
        await redis.delete(lost)
        assert (await queue.turn(NONE, now=1)).held < 2

    async def test_lost_members_are_seen_in_the_count(self, queue: RedisQueue, redis: Redis) -> None:
        """An index that lost its members cannot take builds out of line: that shows too."""
        await queue.turn(NONE, now=0, waiting={"x": one("x"), "y": one("y")})
        await redis.delete(MEMBERS)
        assert (await queue.turn(NONE, now=1)).held != 2


Breaker = Callable[[Redis], Awaitable[Any]]


async def _wrong_type(redis: Redis) -> None:
    await redis.delete(WAITING)
    await redis.set(WAITING, "text")


async def _wrong_epoch_type(redis: Redis) -> None:
    await redis.delete(EPOCH)
    await redis.sadd(EPOCH, "x")


async def _out_of_memory(redis: Redis) -> None:
    await redis.config_set("maxmemory", "1")


async def _no_memory_for_members(redis: Redis) -> None:
    await redis.delete(MEMBERS)
    await redis.lpush(MEMBERS, "x")


class TestUnavailable:
    @pytest.mark.parametrize(
        ("broken", "word"),
        [
            pytest.param(_wrong_type, "WRONGTYPE", id="line is not a line"),
            pytest.param(_wrong_epoch_type, "WRONGTYPE", id="epoch is not text"),
            pytest.param(_no_memory_for_members, "WRONGTYPE", id="members are not a hash"),
            pytest.param(_out_of_memory, "out-of-memory", id="out of memory"),
        ],
    )
    async def test_a_redis_that_refuses_is_unavailable(
        self, queue: RedisQueue, redis: Redis, broken: Breaker, word: str
    ) -> None:
        """A Redis that answers with an error counts as away, and the text says which."""
        await broken(redis)
        with pytest.raises(QueueUnavailableError, match=word):
            await queue.turn(WIDE, now=0, waiting={"x": one("x")})

    async def test_a_rebuild_mends_wrong_types(self, queue: RedisQueue, redis: Redis) -> None:
        """Whatever somebody wrote under our keys, a rebuild makes the index good."""
        await _wrong_type(redis)
        await _wrong_epoch_type(redis)
        await queue.rebuild({"x": one("x")}, now=0)
        assert (await queue.turn(WIDE, now=0)).claimed == ["x"]

    async def test_a_rebuild_out_of_memory_stays_stale(self, queue: RedisQueue, redis: Redis) -> None:
        """A rebuild that Redis refuses leaves no index that could be taken for a whole one."""
        await _out_of_memory(redis)
        with pytest.raises(QueueUnavailableError):
            await queue.rebuild({"x": one("x")}, now=0)
        await redis.config_set("maxmemory", "0")
        with pytest.raises(StaleIndexError):
            await queue.turn(WIDE, now=0)

    async def test_a_wrong_password_is_not_repeated(self, redis: Redis, redis_port: int) -> None:
        """What goes to the log holds neither URL nor password."""
        await redis.ping()
        queue = RedisQueue(f"redis://user:canary@127.0.0.1:{redis_port}/0", "e")
        with pytest.raises(QueueUnavailableError) as caught:
            await queue.turn(WIDE, now=0)
        await queue.close()
        assert "canary" not in str(caught.value)
        assert "redis://" not in str(caught.value)

    async def test_nobody_listens(self) -> None:
        """A refused connection counts as away and shows no password."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            queue = RedisQueue(f"redis://user:canary@127.0.0.1:{taken.getsockname()[1]}/0", "e")
            for call in (queue.turn(WIDE, now=0), queue.rebuild({}, now=0)):
                with pytest.raises(QueueUnavailableError) as caught:
                    await call
                assert "canary" not in str(caught.value)
            await queue.close()

    @pytest.mark.parametrize(
        ("answer", "word"),
        [
            pytest.param(b"-LOADING Redis is loading the dataset in memory\r\n", "loading", id="loading"),
            pytest.param(b"-READONLY You can't write against a read only replica.\r\n", "read only", id="replica"),
            pytest.param(b"-NOAUTH Authentication required.\r\n", "Authentication", id="password missing"),
            pytest.param(b"-NOPERM this user has no permissions\r\n", "NoPermission", id="not permitted"),
            pytest.param(b"-BUSY Redis is busy running a script\r\n", "BUSY", id="busy"),
            pytest.param(b"-MASTERDOWN Link with MASTER is down\r\n", "MASTERDOWN|MasterDown", id="master down"),
            pytest.param(b"-CLUSTERDOWN Hash slot not served\r\n", "CLUSTERDOWN|ClusterDown", id="cluster down"),
            pytest.param(b"HTTP/1.1 400 Bad Request\r\n", "", id="not a Redis"),
            pytest.param(b"", "", id="hangs up"),
        ],
    )
    async def test_each_error_counts_as_away(self, answer: bytes, word: str) -> None:
        """Whatever a Redis, or something in its place, answers: `turn` and `rebuild` say that it is unavailable."""

        async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while (commands := await reader.read(65536)) and answer:
                # One answer to each command of a batch.
                writer.write(answer * (commands.startswith(b"*") + commands.count(b"\r\n*")))
                await writer.drain()
            writer.close()

        server = await asyncio.start_server(say, "127.0.0.1", 0)
        queue = RedisQueue(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0", "e")
        for call in (queue.turn(WIDE, now=0), queue.rebuild({"x": one("x")}, now=0)):
            with pytest.raises(QueueUnavailableError, match=f"(?i){word}"):
                await call
        await queue.close()
        server.close()


class TestAgainstTheTruth:
    @pytest.mark.parametrize("seed", range(3))
    async def test_many_turns_hand_out_each_build_once(self, queue: RedisQueue, seed: int) -> None:
        """Over many turns with builds that come and end, each build is claimed once and limits hold throughout."""
        namespaces = ("a", "b", "c")
        waiting = {
            f"{seed}-{n}": one(f"{seed}-{n}", namespace=namespaces[n % 3], key="k" if n % 5 == seed else None)
            for n in range(60)
        }
        claimed: list[str] = []
        running: dict[str, Waiting] = {}
        fresh, gone = dict(waiting), list[str]()
        for _ in range(200):
            counts = {name: sum(1 for w in running.values() if w.namespace == name) for name in namespaces}
            busy = tuple(f"{w.namespace}:{w.key}" for w in running.values() if w.key)
            free = room(7 - len(running), limit=3, running=counts, busy=busy, turns=dict.fromkeys(namespaces, 0))
            turn = await queue.turn(free, now=0, gone=gone, waiting=fresh)
            fresh, gone = {}, []
            for uid in turn.claimed:
                running[uid] = Waiting.read(waiting[uid])
                claimed.append(uid)
            assert len(running) <= 7
            if not running:
                break
            ended = min(running)
            del running[ended]
            gone = [ended]
        assert sorted(claimed) == sorted(waiting)
