"""Jobs and pods that no build owns: they take of their own namespace's share, and nobody else's."""

from __future__ import annotations

from typing import Any

import pytest

from publishbuild.build_queue.places import Places
from publishbuild.cluster.objects import BUILDS, JOBS, PODS
from publishbuild.cluster.store import Store
from publishbuild.decide.order import member
from publishbuild.decide.queue_reason import reason_in_line
from publishbuild.names import QueueReason
from tests.builders import NOW, UID, Object, a_build, a_job, a_pod

LIMIT = 10


class World:
    """Places over a store; ``listed`` as it is once the first list of builds is complete."""

    def __init__(self, *, listed: bool = True, namespace_limit: int = 0) -> None:
        self.store = Store(lambda: NOW, lambda _: None)
        self.places = Places(self.store, limit=LIMIT, namespace_limit=namespace_limit)
        if listed:
            self.list_builds()

    def list_builds(self, *builds: Object, version: int = 90) -> None:
        list(self.store.replace(BUILDS, builds, version))

    def ghost(self, number: int, *, namespace: str = "evil") -> None:
        """A suspended Job with the operator's labels and the uid of no build."""
        job: dict[str, Any] = a_job(uid=f"job-{number}", build_uid=f"ghost-{number}", namespace=namespace, started=None)
        job["spec"]["suspend"] = True
        job["metadata"]["finalizers"] = ["evil.example/keep"]
        self.store.apply(JOBS, job)

    def wait(self, uid: str, *, namespace: str) -> None:
        text = member(priority=0, created=NOW, entered=NOW, uid=uid, namespace=namespace, key=None)
        self.store.apply(BUILDS, a_build(uid=uid, name=uid, namespace=namespace))
        self.places.enqueue(uid, text)

    def reason(self, namespace: str) -> QueueReason:
        return reason_in_line(self.places.facts("any", namespace=namespace, slot=None, entered=NOW))

    def shares(self) -> tuple[int, dict[str, int]]:
        """Free places, and what counts in each namespace."""
        room = self.places.room()
        return room.places, dict(room.running)


@pytest.fixture
def world() -> World:
    return World()


def test_ghosts_take_nothing_from_others(world: World) -> None:
    """However many Jobs claim builds that never were, every place is free for the builds of other namespaces."""
    for number in range(3 * LIMIT):
        world.ghost(number)
    for number in range(LIMIT):
        world.wait(f"good-{number}", namespace="good")
    assert len(world.places.may_start()) == LIMIT
    assert world.reason("good") is QueueReason.WAITING


def test_ghosts_take_of_their_own_namespaces_share(world: World) -> None:
    """A namespace launches less by each Job of no build in it, and nothing once these are as many as all places."""
    for number in range(LIMIT - 1):
        world.ghost(number)
    for uid in ("x", "y"):
        world.wait(uid, namespace="evil")
    assert world.places.may_start() == ["x"]
    world.ghost(LIMIT)
    assert world.places.may_start() == []
    assert world.reason("evil") is QueueReason.NAMESPACE_LIMIT


def test_ghosts_count_against_the_namespaces_limit() -> None:
    """Where a namespace has a limit of its own, its ghosts use that up."""
    world = World(namespace_limit=2)
    world.ghost(1)
    for uid in ("x", "y"):
        world.wait(uid, namespace="evil")
    assert world.places.may_start() == ["x"]


def test_real_jobs_count_before_the_builds_are_listed() -> None:
    """After a restart Jobs are listed before their builds: until those are all known, each Job takes a place."""
    world = World(listed=False)
    for number in range(4):
        world.store.apply(JOBS, a_job(uid=f"job-{number}", build_uid=f"b{number}", build_name=f"b{number}"))
    assert world.shares() == (LIMIT - 4, {"shop": 4})
    builds = [a_build(uid=f"b{number}", name=f"b{number}") for number in range(3)]
    half_way = world.store.replace(BUILDS, builds, 90)
    next(half_way)
    assert world.shares() == (LIMIT - 4, {"shop": 4})
    list(half_way)
    assert world.shares() == (LIMIT - 3, {"shop": 4})


def test_a_list_that_breaks_off_proves_nothing() -> None:
    """Where the first list of builds ends half way, the Jobs whose builds were not in it go on taking places."""
    world = World(listed=False)
    world.store.apply(JOBS, a_job())
    half_way = world.store.replace(BUILDS, [a_build(uid="other", name="other"), a_build(uid="third", name="third")], 90)
    next(half_way)
    del half_way
    assert world.shares() == (LIMIT - 1, {"shop": 1})


def test_a_build_that_is_seen_after_its_job_makes_it_count(world: World) -> None:
    """Whatever comes first, the Job of a build that exists takes a place."""
    world.store.apply(JOBS, a_job())
    assert world.shares() == (LIMIT, {"shop": 1})
    world.store.apply(BUILDS, a_build())
    assert world.shares() == (LIMIT - 1, {"shop": 1})


def test_what_a_deleted_build_left_counts_until_its_pods_have_ended(world: World) -> None:
    """A build that is deleted frees its place for others at once, and for its namespace when its last pod has ended."""
    world.store.apply(BUILDS, a_build())
    world.store.apply(JOBS, a_job())
    world.store.apply(PODS, a_pod(1, version=301))
    assert world.shares() == (LIMIT - 1, {"shop": 1})
    world.store.apply(BUILDS, a_build(version=400), deleted=True)
    assert world.shares() == (LIMIT, {"shop": 1})
    world.store.apply(JOBS, a_job(version=401), deleted=True)
    assert world.shares() == (LIMIT, {"shop": 1})
    world.store.apply(PODS, a_pod(1, version=402, exit_code=143))
    assert world.shares() == (LIMIT, {})


def test_a_missed_end_of_a_pod_is_found_by_the_list(world: World) -> None:
    """A pod without a build that is gone unseen counts no longer after a list, and leaves nothing behind."""
    world.store.apply(PODS, a_pod(1))
    assert world.shares() == (LIMIT, {"shop": 1})
    list(world.store.replace(PODS, [], 1000))
    assert world.shares() == (LIMIT, {})
    assert not world.store._orphan_pods


def test_many_pods_of_one_build_that_is_gone_are_one(world: World) -> None:
    """A Job and its pods together take what the build took: one."""
    world.store.apply(JOBS, a_job())
    for number in (1, 2, 3):
        world.store.apply(PODS, a_pod(number))
    assert world.shares() == (LIMIT, {"shop": 1})


def test_a_key_stays_busy_while_the_job_of_a_deleted_build_lives(world: World) -> None:
    """A newer build with its concurrency key waits for it, though its own build is gone."""
    world.store.apply(BUILDS, a_build(concurrencyKey="k"))
    world.store.apply(JOBS, a_job(key="k"))
    world.store.apply(BUILDS, a_build(version=400), deleted=True)
    assert world.places.room().busy == {"shop:k"}
    world.store.apply(JOBS, a_job(version=401, key="k"), deleted=True)
    assert not world.places.room().busy


def test_a_job_that_lost_its_owner_is_none_of_ours(world: World) -> None:
    """A Job whose owner somebody removed is never heard of again, so it does not take a place until it is deleted."""
    world.store.apply(BUILDS, a_build())
    world.store.apply(JOBS, a_job())
    stripped = a_job(version=201)
    del stripped["metadata"]["ownerReferences"]
    world.store.apply(JOBS, stripped)
    assert world.shares() == (LIMIT, {})


def test_the_message_says_what_takes_the_share(world: World) -> None:
    """A namespace that ghosts fill is told so, and how many there are."""
    for number in range(LIMIT):
        world.ghost(number)
    facts = world.places.facts(UID, namespace="evil", slot=None, entered=NOW)
    assert (facts.without_build, facts.running, facts.running_in_namespace) == (LIMIT, 0, LIMIT)
