"""Which namespaces are paused, by annotation."""

from __future__ import annotations

from typing import Any

import pytest

from publishbuild.cluster.api import ApiError
from publishbuild.cluster.pause_look import PauseLook
from publishbuild.cluster.pauses import Pauses

OWN = "ops"


class World:
    """Pauses, and how often they said that something changed."""

    def __init__(self) -> None:
        self.changes = 0
        self.pauses = Pauses(OWN, self.changed)
        self.answers: list[list[dict[str, Any]] | ApiError] = []

    def changed(self) -> None:
        self.changes += 1

    async def namespaces(self, own: str) -> list[dict[str, Any]]:
        assert own == OWN
        answer = self.answers.pop(0)
        if isinstance(answer, ApiError):
            raise answer
        return answer


@pytest.fixture
def world() -> World:
    return World()


def a_namespace(name: str, paused: Any = None, *, version: int = 1) -> dict[str, Any]:
    notes = {} if paused is None else {"publishbuild.dev/paused": paused}
    return {"metadata": {"name": name, "resourceVersion": str(version), "annotations": notes}}


@pytest.mark.parametrize(
    ("value", "paused"),
    [("true", True), (" True ", True), ("false", False), ("", False), ("yes", False), (None, False)],
)
def test_only_true_pauses(world: World, value: str | None, paused: bool) -> None:
    """The annotation pauses where it says true, and nothing else does."""
    world.pauses.apply(a_namespace("a", value))
    assert world.pauses.paused_by("a") == ("a" if paused else None)
    assert world.changes == paused


def test_the_operators_own_namespace_pauses_all(world: World) -> None:
    """Paused where the operator lives is paused everywhere, and a namespace's own annotation is named first."""
    world.pauses.apply(a_namespace(OWN, "true"))
    assert world.pauses.paused_by("a") == OWN
    world.pauses.apply(a_namespace("a", "true"))
    assert world.pauses.paused_by("a") == "a"


def test_the_same_again_is_no_change(world: World) -> None:
    """A namespace that changes otherwise wakes nobody."""
    world.pauses.apply(a_namespace("a", "true"))
    world.pauses.apply(a_namespace("a", "true", version=2))
    assert world.changes == 1


def test_an_older_answer_is_ignored(world: World) -> None:
    """A list that was on its way while a watch brought something newer undoes nothing."""
    world.pauses.apply(a_namespace("a", "true", version=5))
    world.pauses.replace([a_namespace("a", version=4)])
    assert world.pauses.paused_by("a") == "a"


@pytest.mark.parametrize("by", ["deletion", "list"])
def test_a_namespace_that_is_gone_pauses_nothing(world: World, by: str) -> None:
    """A namespace that was deleted, or that a list lacks, is forgotten; one of its name may come later."""
    world.pauses.apply(a_namespace("a", "true", version=5))
    if by == "deletion":
        world.pauses.apply(a_namespace("a", "true", version=6), deleted=True)
    else:
        world.pauses.replace([])
    assert (world.pauses.paused_by("a"), world.changes) == (None, 2)
    world.pauses.apply(a_namespace("a", "true", version=1))
    assert world.pauses.paused_by("a") == "a"


async def test_the_first_look_waits_for_an_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator does not begin before it knows what is paused, however the API server stumbles."""
    monkeypatch.setattr("publishbuild.cluster.pause_look.RETRY_SECONDS", 0)
    world.answers = [ApiError(500, "InternalError", "etcd"), [a_namespace("a", "true")]]
    await PauseLook(world, world.pauses, own=OWN, seconds=1).first()  # type: ignore[arg-type]  # speaks like a Cluster
    assert world.pauses.paused_by("a") == "a"


async def test_an_operator_that_may_not_look_goes_on(world: World) -> None:
    """Without the right to get namespaces nothing is paused, and builds are not held for ever."""
    world.answers = [ApiError(403, "Forbidden", "namespaces is forbidden")]
    await PauseLook(world, world.pauses, own=OWN, seconds=1).first()  # type: ignore[arg-type]  # speaks like a Cluster
    assert world.pauses.paused_by("a") is None
