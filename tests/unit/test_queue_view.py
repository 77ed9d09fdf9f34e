"""The queue as it is shown: the exact order by uid, with reasons and guesses, and no names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from publishbuild.build_queue.places import Places
from publishbuild.cluster.objects import BUILDS, JOBS
from publishbuild.cluster.store import Store
from publishbuild.decide.order import member
from publishbuild.models.base import rfc3339
from publishbuild.queue_view import FRESH_SECONDS, MOST_OF_THE_TIME, QueueView
from tests.builders import NOW, a_build, a_job, at


class World:
    """Builds that wait, run and have ended, under one view; time passes by hand."""

    def __init__(self) -> None:
        self.seconds, self.work, self.paused = 0.0, 0.0, set[str]()
        self.store = Store(lambda: NOW, lambda _: None)
        self.places = Places(
            self.store, limit=1, namespace_limit=0, paused_by=lambda name: name if name in self.paused else None
        )
        self.view = QueueView(self.store, self.places, clock=self.clock, monotonic=lambda: self.seconds)

    def clock(self) -> Any:
        """The time; telling the queue takes ``work`` seconds."""
        self.seconds += self.work
        return at(self.seconds)

    def wait(self, uid: str, *, namespace: str = "shop", key: str | None = None) -> None:
        self.store.apply(BUILDS, a_build(uid=uid, name=f"name-of-{uid}", namespace=namespace, platform="ios"))
        self.places.enqueue(uid, member(priority=7, created=NOW, entered=NOW, uid=uid, namespace=namespace, key=key))

    def run(self, uid: str, *, started: float = 0) -> None:
        self.store.apply(BUILDS, a_build(uid=uid, name=f"name-of-{uid}", platform="ios"))
        self.store.apply(JOBS, a_job(build_uid=uid, build_name=f"name-of-{uid}", started=at(started)))

    def end(self, uid: str, *, seconds: float) -> None:
        status = {"startTime": rfc3339(at(-seconds)), "completionTime": rfc3339(NOW)}
        self.store.apply(BUILDS, a_build(uid=uid, status=status, platform="ios"))

    def waiting(self) -> list[tuple[int, str, str, str | None]]:
        lines = json.loads(self.view.text())["waiting"]
        return [(line["position"], line["uid"], line["reason"], line["eta"]) for line in lines]


@pytest.fixture
def world() -> World:
    return World()


def test_the_exact_order_with_guesses(world: World) -> None:
    """Each waiting build has position, uid, reason and when it would start, from how long others ran."""
    world.end("old", seconds=100)
    world.run("running", started=-30)
    world.wait("x")
    world.wait("y")
    assert world.waiting() == [
        (1, "x", "GlobalLimit", rfc3339(at(70))),
        (2, "y", "GlobalLimit", rfc3339(at(170))),
    ]


def test_what_is_reserved_is_told_as_it_is(world: World) -> None:
    """A namespace that runs something waits while reserved places are free, with a guess that knows it."""
    world.places = Places(world.store, limit=2, namespace_limit=0, reserved=1)
    world.view = QueueView(world.store, world.places, clock=world.clock, monotonic=lambda: world.seconds)
    world.end("old", seconds=100)
    world.run("running", started=-30)
    world.wait("x")
    world.wait("y", namespace="other")
    assert world.waiting() == [
        (1, "x", "GlobalLimit", rfc3339(at(70))),
        (2, "y", "Waiting", rfc3339(NOW)),
    ]


def test_no_names(world: World) -> None:
    """Whoever may ask learns no name, namespace, priority or key: the fields are these and no others."""
    world.run("running")
    world.wait("x", namespace="secret-project", key="secret-key")
    shown = json.loads(world.view.text())
    assert set(shown) == {"time", "redis", "limit", "running", "waiting"}
    assert [set(line) for line in shown["waiting"]] == [{"position", "uid", "reason", "eta"}]
    assert not [word for word in ("secret", "name-of", "shop") if word in world.view.text()]


def test_no_guess_without_history(world: World) -> None:
    """Before any build has ended there is no guess."""
    world.wait("x")
    assert world.waiting() == [(1, "x", "Waiting", None)]


def test_no_guess_for_what_is_held(world: World) -> None:
    """A paused namespace's builds stand last and have no guess, as all without Redis, unless they go on without it."""
    world.end("old", seconds=100)
    world.paused.add("held")
    world.wait("x", namespace="held")
    world.wait("y")
    assert world.waiting() == [(1, "y", "Waiting", rfc3339(NOW)), (2, "x", "QueuePaused", None)]
    world.places.available = False
    world.seconds += FRESH_SECONDS
    assert [eta for *_, eta in world.waiting()] == [None, None]
    world.places.available, world.places.direct = False, True
    world.seconds += FRESH_SECONDS
    assert world.waiting()[0] == (1, "y", "Waiting", rfc3339(at(world.seconds)))


def test_builds_of_one_key_are_all_in_line(world: World) -> None:
    """Each build that waits has a position, also those that will wait for another one's key."""
    world.end("old", seconds=100)
    for uid in "xyz":
        world.wait(uid, key="k")
    assert world.waiting() == [
        (1, "x", "Waiting", rfc3339(NOW)),
        (2, "y", "Waiting", rfc3339(at(100))),
        (3, "z", "Waiting", rfc3339(at(200))),
    ]


def test_it_is_made_once_a_second_at_most(world: World) -> None:
    """Asking again within a second gets the same text; after it the new state is told."""
    first = world.view.text()
    world.wait("x")
    world.seconds = FRESH_SECONDS / 2
    assert world.view.text() == first
    world.seconds = FRESH_SECONDS
    assert [uid for _, uid, *_ in world.waiting()] == ["x"]


def test_a_long_queue_is_made_less_often(world: World) -> None:
    """However often it is asked for, making it takes a bounded share of the operator's time."""
    world.work = 3.0
    first = world.view.text()
    world.wait("x")
    world.seconds = 3.0 / MOST_OF_THE_TIME - 0.1
    assert world.view.text() == first
    world.seconds = 3.0 / MOST_OF_THE_TIME
    assert world.view.text() != first


def test_what_the_metrics_show(world: World) -> None:
    """Depth counts by namespace and reason, running by namespace."""
    world.run("running")
    world.wait("x")
    world.wait("y", namespace="other")
    assert world.view.depth() == {("shop", "GlobalLimit"): 1, ("other", "GlobalLimit"): 1}
    assert world.view.running() == {"shop": 1}
