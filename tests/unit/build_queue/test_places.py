"""Who waits and what is free, on this process's side of the queue."""

from __future__ import annotations

from dataclasses import replace

import pytest
from redis.asyncio import Redis

from publishbuild.build_queue.places import NUMBERED_SECONDS, Changes, Places
from publishbuild.build_queue.redis_queue import RedisQueue
from publishbuild.build_queue.turns import Turns
from publishbuild.cluster.live_jobs import LiveJobs
from publishbuild.decide.facts import JobFacts
from publishbuild.decide.order import Room, member
from tests.builders import NOW, a_job, counted


class Jobs:
    """Live and ended Jobs by the uid of their build."""

    def __init__(self) -> None:
        self.known: dict[str, JobFacts] = {}

    def add(self, uid: str, *, namespace: str = "a", key: str | None = None) -> None:
        self.known[uid] = JobFacts.read(a_job(build_uid=uid, namespace=namespace, key=key))

    def end(self, uid: str) -> None:
        self.known[uid] = replace(self.known[uid], complete=True)

    @property
    def live_jobs(self) -> LiveJobs:
        return counted(self.known.values())

    def job(self, uid: str) -> JobFacts | None:
        return self.known.get(uid)


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


@pytest.fixture
def places(jobs: Jobs) -> Places:
    return Places(jobs, limit=3, namespace_limit=2)


def one(uid: str, *, priority: int = 0, namespace: str = "a", key: str | None = None) -> str:
    return member(priority=priority, created=NOW, entered=NOW, uid=uid, namespace=namespace, key=key)


def position_of(places: Places, uid: str) -> int | None:
    return places.facts(uid, namespace="a", slot=None, entered=NOW).position


class TestWaiting:
    def test_saying_it_twice_is_one_change(self, places: Places) -> None:
        """A build that waits already is no news."""
        places.enqueue("x", one("x"))
        assert places.take_changes() == Changes({"x": one("x")}, frozenset())
        places.changed.clear()
        places.enqueue("x", one("x"))
        assert not places.has_changes
        assert not places.changed.is_set()

    def test_who_stands_in_line_is_told_so(self, places: Places) -> None:
        """A build is in line from its enqueueing to its release, with a claim or without."""

        def in_line() -> bool:
            return places.facts("x", namespace="a", slot=None, entered=NOW).in_line

        assert not in_line()
        places.enqueue("x", one("x"))
        places.claim("x")
        assert in_line()
        places.release("x")
        assert not in_line()

    def test_a_new_member_moves_it(self, places: Places) -> None:
        """Another priority is news."""
        places.enqueue("x", one("x"))
        places.take_changes()
        places.enqueue("x", one("x", priority=5))
        assert places.take_changes().waiting == {"x": one("x", priority=5)}

    def test_release_is_told(self, places: Places) -> None:
        """A build that leaves is gone for the index, with its position."""
        places.enqueue("x", one("x"))
        assert places.numbered() == {"x": 1}
        places.take_changes()
        places.release("x")
        assert places.take_changes() == Changes({}, frozenset({"x"}))
        assert position_of(places, "x") is None

    def test_who_has_just_come_knows_its_position(self, jobs: Jobs) -> None:
        """The first status of a build shows its position, and a flood of new ones is numbered a few times a second."""
        now = [0.0]
        places = Places(jobs, limit=3, namespace_limit=2, clock=lambda: now[0])
        places.enqueue("x", one("x"))
        assert position_of(places, "x") == 1
        places.enqueue("y", one("y", priority=-1))
        assert position_of(places, "y") is None
        now[0] = NUMBERED_SECONDS
        assert position_of(places, "y") == 2

    def test_release_of_a_stranger_is_no_news_for_the_index(self, places: Places) -> None:
        """A build that never waited changes nothing but wakes whoever waits for a free place."""
        places.release("x")
        assert not places.has_changes
        assert places.changed.is_set()

    def test_come_and_gone_before_the_index_heard(self, places: Places) -> None:
        """A build that came and went is only gone."""
        places.enqueue("x", one("x"))
        places.release("x")
        assert places.take_changes() == Changes({}, frozenset({"x"}))

    def test_gone_and_back_before_the_index_heard(self, places: Places) -> None:
        """A build that gave its claim back and waits again tells both, so that the index drops the claim."""
        places.enqueue("x", one("x"))
        places.take_changes()
        places.claim("x")
        places.release("x")
        places.enqueue("x", one("x"))
        assert places.take_changes() == Changes({"x": one("x")}, frozenset({"x"}))

    async def test_a_build_that_comes_back_gets_the_next_place(
        self, places: Places, queue: RedisQueue, redis: Redis
    ) -> None:
        """A build that is suspended and resumed at once is claimed again without waiting for its claim to expire."""
        assert await redis.ping()
        room = Room(places=1, namespace_limit=0, running={}, busy=(), turns={"a": 0})
        places.enqueue("x", one("x"))
        claimed: list[list[str]] = []
        for _ in range(2):
            changes = places.take_changes()
            turn = await queue.turn(room, now=0, gone=changes.gone, waiting=changes.waiting)
            claimed.append(turn.claimed)
            places.claim("x")
            places.release("x")
            places.enqueue("x", one("x"))
        assert claimed == [["x"], ["x"]]

    def test_order_is_the_queues_and_leaves_out_who_has_a_place(self, places: Places) -> None:
        """The line is in order of priority and age, without claimed builds."""
        for uid, priority in (("low", -1), ("high", 9), ("mid", 0)):
            places.enqueue(uid, one(uid, priority=priority))
        places.claim("mid")
        assert places.order() == ["high", "low"]

    def test_order_is_the_one_in_which_they_would_start(self, jobs: Jobs) -> None:
        """Namespaces that have just launched come later, and paused ones last, though somebody there is the oldest."""
        paused = {"p"}
        places = Places(
            jobs, limit=1, namespace_limit=1, paused_by=lambda namespace: namespace if namespace in paused else None
        )
        for uid in ("p0", "a0", "a1", "a2", "b0"):
            places.enqueue(uid, one(uid, namespace=uid[0]))
        places.claim("a0")
        assert places.order() == ["b0", "a1", "a2", "p0"]
        assert places.room().turns == {"a": 1, "b": 0}
        paused.clear()
        places.look_again()
        assert places.order() == ["b0", "p0", "a1", "a2"]

    def test_priority_counts_between_namespaces_that_are_named(self, jobs: Jobs) -> None:
        """The order and the launches of a named namespace go by priority, of any other one by its turn."""
        for ranked, expected in ((["b"], ["b", "a"]), ([], ["a", "b"])):
            places = Places(jobs, limit=1, namespace_limit=0, ranked=ranked)
            places.begin(["a", "b"])
            for uid, priority in (("a", 0), ("b", 9)):
                places.enqueue(uid, one(uid, namespace=uid, priority=priority))
            assert (places.order(), places.may_start()) == (expected, expected[:1])

    def test_turns_begin_with_what_was_launched_before(self, jobs: Jobs) -> None:
        """An operator that begins to lead goes on where the last one was."""
        places = Places(jobs, limit=1, namespace_limit=0)
        for uid in ("a0", "b0", "c0"):
            places.enqueue(uid, one(uid, namespace=uid[0]))
        places.begin(["b", "a"])
        assert places.order() == ["c0", "b0", "a0"]

    def test_a_namespace_without_builds_has_no_turn(self, places: Places) -> None:
        """Who waits for a turn is known by who waits: the last one that leaves takes its namespace along."""
        for uid in ("x", "y"):
            places.enqueue(uid, one(uid))
        places.release("x")
        assert list(places.room().turns) == ["a"]
        places.release("y")
        assert places.room().turns == {}

    def test_turns_are_not_remembered_without_end(self) -> None:
        """Of very many namespaces only the latest are remembered: memory stays level."""
        turns = Turns()
        turns.begin(f"n{number}" for number in range(10_001))
        assert [turns.of("n0") == 0, turns.of("n1") > 0] == [True, True]


class TestGiveBack:
    def test_changes_stay_due(self, places: Places) -> None:
        """What the index could not be told is told next time."""
        places.enqueue("x", one("x"))
        places.enqueue("y", one("y"))
        places.take_changes()
        places.release("y")
        changes = places.take_changes()
        places.give_back(changes)
        places.give_back(Changes({"x": one("x")}, frozenset()))
        assert places.take_changes() == Changes({"x": one("x")}, frozenset({"y"}))

    def test_newer_news_wins(self, places: Places) -> None:
        """A build that left or moved meanwhile is not put back as it was."""
        places.enqueue("left", one("left"))
        places.enqueue("moved", one("moved"))
        changes = places.take_changes()
        places.release("left")
        places.enqueue("moved", one("moved", priority=9))
        places.give_back(changes)
        assert places.take_changes() == Changes({"moved": one("moved", priority=9)}, frozenset({"left"}))

    def test_who_is_back_is_not_gone(self, places: Places) -> None:
        """A build that came back while the index could not hear that it left is not taken out again."""
        places.enqueue("x", one("x"))
        places.take_changes()
        places.release("x")
        changes = places.take_changes()
        places.enqueue("x", one("x"))
        places.give_back(changes)
        assert places.take_changes() == Changes({"x": one("x")}, frozenset())

    def test_a_snapshot_holds_all_and_leaves_nothing_due(self, places: Places) -> None:
        """A rebuilt index needs no changes from before."""
        places.enqueue("x", one("x"))
        places.enqueue("y", one("y"))
        places.claim("y")
        places.release("z")
        assert places.snapshot() == ({"x": one("x"), "y": one("y")}, {"y"})
        assert not places.has_changes


class TestRoom:
    def test_a_claim_takes_a_place_until_its_job_is_seen(self, places: Places, jobs: Jobs) -> None:
        """Claim and Job of one build are one place, and an ended Job is none."""
        places.enqueue("x", one("x", key="k"))
        assert places.claim("x")
        assert (places.occupied().total, places.occupied().busy) == (1, frozenset({"a:k"}))
        jobs.add("x", key="k")
        assert (places.occupied().total, places.occupied().busy) == (1, frozenset({"a:k"}))
        jobs.end("x")
        assert (places.occupied().total, places.occupied().busy) == (0, frozenset())

    def test_a_job_takes_a_place_and_its_key(self, places: Places, jobs: Jobs) -> None:
        """What runs occupies both, whether it was claimed here or by an operator before."""
        jobs.add("before", namespace="b", key="k:2")
        room = places.room()
        assert (room.places, dict(room.running), set(room.busy)) == (2, {"b": 1}, {"b:k:2"})

    def test_no_room_is_never_less_than_none(self, places: Places, jobs: Jobs) -> None:
        """More live Jobs than the limit, after it was lowered, leave no place."""
        for n in range(5):
            jobs.add(f"uid-{n}")
        assert places.room().places == 0

    def test_who_does_not_wait_cannot_claim(self, places: Places) -> None:
        """A claim for a build that left in the meantime is refused."""
        places.enqueue("x", one("x"))
        places.release("x")
        assert not places.claim("x")
        assert not places.is_claimed("x")
        assert places.occupied().total == 0

    @pytest.mark.parametrize(("shared", "reserved"), [(True, 2), (False, 0)])
    def test_what_is_reserved_is_kept_while_namespaces_share(self, jobs: Jobs, shared: bool, reserved: int) -> None:
        """Where one namespace alone has had builds, it may use what is reserved too."""
        places = Places(jobs, limit=3, namespace_limit=0, reserved=2, shared=lambda: shared)
        for uid in "xyz":
            places.enqueue(uid, one(uid))
        assert places.room().reserved == places.reserved == reserved
        assert places.may_start() == ["x", "y", "z"][: 3 - reserved]

    def test_nobody_wants_what_is_kept_for_others(self, jobs: Jobs) -> None:
        """No turn is taken for places that nobody in line may have."""
        places = Places(jobs, limit=3, namespace_limit=0, reserved=2)
        for uid in ("a0", "a1"):
            places.enqueue(uid, one(uid, namespace="a"))
        assert places.wanted
        places.claim("a0")
        assert not places.wanted
        places.enqueue("b0", one("b0", namespace="b"))
        assert places.wanted

    def test_release_frees_the_claim(self, places: Places) -> None:
        """A released claim is a free place at once."""
        places.enqueue("x", one("x"))
        places.claim("x")
        places.release("x")
        assert not places.is_claimed("x")
        assert places.room().places == 3
