"""Following builds to their end; the watches are stand-ins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from publishbuild.cli.following import follow
from publishbuild.client import Change, ForbiddenError
from publishbuild.models.base import rfc3339
from tests.builders import NOW, Object, a_build


def build(name: str, succeeded: str = "Unknown", reason: str = "Running") -> Object:
    condition = {"type": "Succeeded", "status": succeeded, "reason": reason, "lastTransitionTime": rfc3339(NOW)}
    return a_build(name=name, uid=f"uid-{name}", status={"conditions": [condition]})


def goes_on(name: str) -> Change:
    return Change(build(name))


def succeeds(name: str) -> Change:
    return Change(build(name, "True", "Succeeded"))


def fails(name: str) -> Change:
    return Change(build(name, "False", "PodFailurePolicy"))


def is_cancelled(name: str) -> Change:
    return Change(build(name, "False", "Cancelled"))


def is_deleted(name: str) -> Change:
    return Change(build(name), deleted=True)


class StandIn:
    """A client whose watch of a name, or of "" with a selector, tells ``changes``, and then nothing more for ever."""

    def __init__(self, **changes: Sequence[Change | Exception]) -> None:
        self._changes = changes
        self.left: list[str] = []

    @property
    def builds(self) -> StandIn:
        return self

    async def watch(self, _namespace: str, *, name: str, **_: Any) -> AsyncGenerator[Change, None]:
        try:
            for change in self._changes[name or "all"]:
                if isinstance(change, Exception):
                    raise change
                yield change
            await asyncio.Event().wait()
        finally:
            self.left.append(name)


class Shown:
    """A screen that notes the names."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def show(self, build: Object) -> None:
        self.names.append(build["metadata"]["name"])

    def trouble(self, text: str) -> None:
        """Not spoken of here."""


async def followed(client: StandIn, *names: str, **options: Any) -> tuple[int, list[str]]:
    screen = Shown()
    code = await follow(client, [build(name) for name in names], screen, **options)  # type: ignore[arg-type]
    return code, screen.names


@pytest.mark.parametrize(
    ("ends", "code"),
    [
        ((succeeds, succeeds), 0),
        ((succeeds, fails), 2),
        ((is_cancelled, fails), 2),
        ((succeeds, is_cancelled), 3),
        ((is_deleted, is_cancelled), 3),
        ((is_deleted, succeeds), 1),
    ],
)
async def test_the_worst_end_is_the_exit_code(ends: tuple[Any, Any], code: int) -> None:
    """Of several builds a failure counts before a cancellation, and that before one that nobody can tell of."""
    client = StandIn(a=[goes_on("a"), ends[0]("a")], b=[goes_on("b"), ends[1]("b")])
    assert (await followed(client, "a", "b"))[0] == code
    assert sorted(client.left) == ["a", "b"], "no watch is left open"


async def test_what_comes_to_the_labels_is_followed_too() -> None:
    """A build with the labels that appears before the others have ended is waited for as well."""
    changes = [goes_on("a"), goes_on("late"), succeeds("a"), fails("late")]
    assert await followed(StandIn(all=changes), "a", selector="app=shop") == (2, ["a", "late", "a", "late"])


async def test_a_build_that_is_deleted_after_its_end_counts_as_it_ended() -> None:
    """Deleting what has ended takes nothing back."""
    client = StandIn(all=[succeeds("a"), is_deleted("a"), goes_on("b"), succeeds("b")])
    assert (await followed(client, "a", "b", selector="app=shop"))[0] == 0


async def test_time_that_is_over_names_what_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    """After --timeout the builds that have not ended are named, and the code is 4."""
    client = StandIn(a=[succeeds("a")], b=[goes_on("b")])
    assert (await followed(client, "a", "b", seconds=0.05))[0] == 4
    assert capsys.readouterr().err == "b has not ended within 0s; it goes on\n"


async def test_a_watch_that_may_not_go_on_ends_all() -> None:
    """An error of one watch is the command's, and the other one is not left open."""
    client = StandIn(a=[goes_on("a"), ForbiddenError("you may not", 403)], b=[goes_on("b")])
    with pytest.raises(ForbiddenError):
        await followed(client, "a", "b")
    assert sorted(client.left) == ["a", "b"]
