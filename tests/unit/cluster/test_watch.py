"""A watch goes on from where it was, lists anew where it may have missed something, and never ends by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from publishbuild.cluster import watch
from publishbuild.cluster.api import GONE, ApiError
from publishbuild.cluster.objects import JOBS
from publishbuild.cluster.watch import LONGEST_RETRY_SECONDS, Watch

Script = list[list[tuple[str, int] | ApiError]]


class World:
    """Connections that bring what ``script`` says, one list each; the last one then stays open."""

    def __init__(self, script: Script, *, lists: list[int | ApiError] | None = None) -> None:
        self.script = script
        self.lists = lists or []
        self.asked: list[int] = []
        self.seen: list[tuple[int, bool]] = []
        self.done = asyncio.Event()
        self.watch = Watch(
            self,  # type: ignore[arg-type]  # answers as a Cluster does
            JOBS,
            "shop",
            on_change=lambda _, obj, deleted: self.seen.append((int(obj["metadata"]["resourceVersion"]), deleted)),
            relist=self.relist,
        )

    async def relist(self, _: str) -> int:
        answer = self.lists.pop(0)
        if isinstance(answer, ApiError):
            raise answer
        return answer

    async def changes(self, _: str, __: str, version: int) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        self.asked.append(version)
        for event in self.script.pop(0) if self.script else []:
            if isinstance(event, ApiError):
                raise event
            yield event[0], {"metadata": {"resourceVersion": str(event[1])}}
        if not self.script:
            self.done.set()
            await asyncio.Event().wait()

    async def run(self, version: int = 10) -> None:
        task = asyncio.create_task(self.watch.run(version))
        async with asyncio.timeout(5):
            await self.done.wait()
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were waited, none of which passes."""
    taken: list[float] = []

    class Clock:
        sleep = staticmethod(taken_sleep(taken))

    monkeypatch.setattr(watch, "asyncio", Clock)
    return taken


def taken_sleep(taken: list[float]) -> Any:
    async def sleep(seconds: float) -> None:
        taken.append(seconds)

    return sleep


LOST = ApiError(0, "ClientConnectionError", "cut")


async def test_goes_on_from_the_last_change(pauses: list[float]) -> None:
    """A server that ends a watch in good order is asked at once for what came since."""
    world = World([[("ADDED", 11), ("MODIFIED", 12)], [("DELETED", 15)], []])
    await world.run()
    assert world.asked == [10, 12, 15]
    assert world.seen == [(11, False), (12, False), (15, True)]
    assert pauses == []


async def test_a_bookmark_is_a_newer_version_and_no_change() -> None:
    """Where nothing happens the version still grows, so that the server never calls it too old."""
    world = World([[("BOOKMARK", 99)], []])
    await world.run()
    assert (world.asked, world.seen) == ([10, 99], [])


async def test_what_is_too_old_is_listed_anew(pauses: list[float]) -> None:
    """410 Gone means that changes were missed: a list is taken in, and watched on from there."""
    world = World([[ApiError(GONE, "Expired", "too old")], [("ADDED", 51)], []], lists=[50])
    await world.run()
    assert world.asked == [10, 50, 51]
    assert pauses == [0.2]


async def test_a_list_that_fails_is_tried_again(pauses: list[float]) -> None:
    """An API server that is away while a list is due is asked again until it answers."""
    world = World([[ApiError(GONE, "Expired", "too old")], []], lists=[LOST, LOST, 50])
    await world.run()
    assert world.asked == [10, 50]
    assert pauses == [0.2, 0.4, 0.8]


async def test_an_api_server_that_is_away_is_not_stormed(pauses: list[float]) -> None:
    """Connections that break at once are tried again with growing pauses, from the same version."""
    script: Script = [[LOST] for _ in range(10)]
    world = World([*script, []])
    await world.run()
    assert world.asked == [10] * 11
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_RETRY_SECONDS


async def test_a_connection_that_brought_something_counts_as_good(pauses: list[float]) -> None:
    """Cuts that are far apart do not add up to long pauses."""
    world = World([[("ADDED", 11), LOST], [("ADDED", 12), LOST], [("ADDED", 13), LOST], []])
    await world.run()
    assert world.asked == [10, 11, 12, 13]
    assert pauses == [0.2] * 3


async def test_one_that_cannot_be_read_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """An object on which taking it in fails is logged, and the watch goes on with those behind it."""
    world = World([[("ADDED", 11), ("ADDED", 12)], []])
    seen: list[int] = []

    def take(_: str, obj: dict[str, Any], __: bool) -> None:
        seen.append(int(obj["metadata"]["resourceVersion"]))
        if len(seen) == 1:
            raise KeyError("status")

    monkeypatch.setattr(world.watch, "_on_change", take)
    await world.run()
    assert (seen, world.asked) == ([11, 12], [10, 12])
