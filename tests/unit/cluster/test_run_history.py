"""The run times that are remembered: of the builds that ended last, read from their statuses."""

from __future__ import annotations

import pytest

from publishbuild.cluster.objects import BUILDS
from publishbuild.cluster.run_history import REMEMBERED, RunHistory
from publishbuild.cluster.store import Store
from publishbuild.decide.run_times import Run
from publishbuild.models.base import rfc3339
from tests.builders import NOW, Object, a_build, at


def ended(uid: str, *, started: float = 0, seconds: float = 60, version: int = 100) -> Object:
    status = {"startTime": rfc3339(at(started)), "completionTime": rfc3339(at(started + seconds))}
    return a_build(uid=uid, version=version, status=status, platform="ios", profile="p")


def test_the_store_remembers_what_ended() -> None:
    """A build that ends is one run, however often it is seen, and also once it is deleted."""
    store = Store(lambda: NOW, lambda _: None)
    store.apply(BUILDS, a_build(uid="x", version=1, platform="ios", profile="p"))
    assert store.history.runs() == []
    for version in (2, 3):
        store.apply(BUILDS, ended("x", version=version))
    store.apply(BUILDS, ended("x", version=4), deleted=True)
    assert store.history.runs() == [Run(("ios", "p"), 60)]


def test_the_last_ones_are_kept() -> None:
    """Of more than fit, those that ended last are known, in whatever order they are seen; memory stays bounded."""
    history = RunHistory()
    for n in reversed(range(REMEMBERED + 50)):
        history.note(ended(str(n), started=n * 10, seconds=n))
    for n in range(50):
        history.note(ended(str(n), started=n * 10, seconds=n))
    assert sorted(run.seconds for run in history.runs()) == [float(n) for n in range(50, REMEMBERED + 50)]


def test_one_build_counts_once() -> None:
    """However often an ended build is seen, it does not crowd out others."""
    history = RunHistory()
    history.note(ended("earlier", seconds=10))
    for _ in range(2 * REMEMBERED):
        history.note(ended("later", seconds=20))
    assert [run.seconds for run in history.runs()] == [10, 20]


@pytest.mark.parametrize(
    "status",
    [
        pytest.param({}, id="not launched"),
        pytest.param({"startTime": rfc3339(NOW)}, id="running"),
        pytest.param({"completionTime": rfc3339(NOW)}, id="cancelled while it waited"),
        pytest.param({"startTime": "soon", "completionTime": rfc3339(NOW)}, id="no time"),
        pytest.param({"startTime": 1, "completionTime": rfc3339(NOW)}, id="no text"),
    ],
)
def test_what_has_not_run_to_its_end_tells_nothing(status: Object) -> None:
    """Only a build with both times counts, and a status that somebody else wrote does no harm."""
    history = RunHistory()
    history.note(a_build(status=status))
    assert history.runs() == []
