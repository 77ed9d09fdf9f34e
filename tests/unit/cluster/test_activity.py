"""Who has had builds in the last day: as long as it is one namespace alone, nothing is kept for others."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from publishbuild.cluster.activity import _REMEMBERED, QUIET, Activity
from publishbuild.cluster.objects import BUILDS
from publishbuild.cluster.store import Store
from publishbuild.models.base import rfc3339
from tests.builders import NOW, a_build

ENDED: dict[str, Any] = {"conditions": [{"type": "Succeeded", "status": "True"}]}


class World:
    """A store whose clock is set by hand."""

    def __init__(self) -> None:
        self.now: datetime = NOW
        self.store = Store(lambda: self.now, lambda _: None)

    def build(self, namespace: str, *, version: int = 1, ended: bool = False, **fields: Any) -> None:
        status = ENDED | fields.pop("status", {}) if ended else {}
        self.store.apply(BUILDS, a_build(uid=namespace, namespace=namespace, version=version, status=status, **fields))

    def is_shared(self) -> bool:
        return self.store.activity.is_shared(self.now)


@pytest.fixture
def world() -> World:
    return World()


def test_one_namespace_alone_is_alone(world: World) -> None:
    """However many builds it has."""
    assert not world.is_shared()
    world.build("a")
    world.build("a", version=2)
    assert not world.is_shared()


def test_a_second_one_shares(world: World) -> None:
    """From its first build on, however old the build is, for as long as it has not ended."""
    world.build("a")
    world.build("b", created=NOW - 30 * QUIET)
    assert world.is_shared()
    world.now += 30 * QUIET
    assert world.is_shared()


@pytest.mark.parametrize("deleted", [False, True], ids=["ended", "deleted"])
def test_it_shares_for_a_day_after_its_last_build(world: World, deleted: bool) -> None:
    """A namespace whose builds have all ended or gone counts for 24 hours more, and no longer."""
    world.build("a")
    world.build("b")
    if deleted:
        world.store.apply(BUILDS, a_build(uid="b", namespace="b", version=2), deleted=True)
    else:
        world.build("b", version=2, ended=True)
    world.now += QUIET - timedelta(seconds=1)
    assert world.is_shared()
    world.now += timedelta(seconds=1)
    assert not world.is_shared()


def test_a_restart_reads_it_from_the_builds(world: World) -> None:
    """What ended before the operator started counts by when it was made and when it ended."""
    day_ago = NOW - QUIET
    world.build("a")
    world.build("b", ended=True, created=day_ago - QUIET, status={"completionTime": rfc3339(day_ago)})
    assert not world.is_shared()
    world.build("c", ended=True, created=day_ago - QUIET, status={"completionTime": rfc3339(NOW)})
    assert world.is_shared()


def test_a_status_of_somebody_elses_making_is_no_news(world: World) -> None:
    """A time that cannot be read is passed over; the build's creation still counts."""
    world.build("a")
    world.build("b", ended=True, created=NOW - 2 * QUIET, status={"completionTime": "soon"})
    assert not world.is_shared()
    world.build("c", ended=True, status={"completionTime": ["x"]})
    assert world.is_shared()


def test_a_build_that_ends_twice_is_counted_once(world: World) -> None:
    """Each later version of a build that has ended changes nothing, nor does its deletion."""
    world.build("a")
    world.build("b")
    for version in (2, 3):
        world.build("b", version=version, ended=True)
    world.store.apply(BUILDS, a_build(uid="b", namespace="b", version=4, status=ENDED), deleted=True)
    world.now += QUIET
    assert not world.is_shared()
    world.build("a", version=2, ended=True)
    assert not world.store.activity._open


def test_asking_costs_no_look_at_all_namespaces() -> None:
    """Of thousands that were quiet for a day each is looked at once, and no more are remembered than a bound."""
    activity = Activity()
    for number in range(_REMEMBERED + 5):
        activity.seen(f"n{number}", NOW - QUIET)
    assert len(activity._last) == _REMEMBERED
    assert not activity.is_shared(NOW)
    assert not activity._last
