"""Which builds a newer one stops."""

from __future__ import annotations

from typing import Any

import pytest

from publishbuild.cluster.objects import BUILDS
from publishbuild.cluster.record import Record
from publishbuild.cluster.store import Store
from publishbuild.cluster.supersede import superseded_by
from tests.builders import NOW, a_build

CANCELS: dict[str, Any] = {"concurrencyKey": "k", "concurrencyPolicy": "CancelPrevious"}


@pytest.fixture
def store() -> Store:
    return Store(lambda: NOW, lambda _: None)


def test_a_newer_build_stops_the_older_one_alone(store: Store) -> None:
    """The newer build is named for the older one; nothing stops the newer one."""
    store.apply(BUILDS, a_build(uid="old", **CANCELS))
    store.apply(BUILDS, a_build(uid="new", name="newer", **CANCELS))
    assert superseded_by(store, "old") == "newer"
    assert superseded_by(store, "new") is None


@pytest.mark.parametrize(
    "spec", [{"concurrencyKey": "k"}, CANCELS | {"cancel": True}, CANCELS | {"concurrencyKey": "l"}]
)
def test_a_newer_build_that_does_not_stop_others(store: Store, spec: dict[str, Any]) -> None:
    """One without the policy, one that was itself cancelled, and one with another key stop nobody."""
    store.apply(BUILDS, a_build(uid="old", concurrencyKey="k"))
    store.apply(BUILDS, a_build(uid="new", **spec))
    assert superseded_by(store, "old") is None


def test_older_builds_are_not_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of builds that have ended with the same key cost a look nothing but their age."""
    for number in range(3):
        store.apply(BUILDS, a_build(uid=f"old-{number}", **CANCELS))
    store.apply(BUILDS, a_build(uid="new", **CANCELS))

    def read(_: Record) -> None:
        raise AssertionError("it was read")

    monkeypatch.setattr(Record, "build", property(read))
    assert superseded_by(store, "new") is None
