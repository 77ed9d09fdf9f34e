"""What one thread sees reaches the loop of another: all of it, in order, whatever one of them holds."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from publishbuild.arrivals import Arrivals

COUNT = 2000


async def test_all_arrive_in_order() -> None:
    """Two thousand objects put by another thread as fast as it can are each taken once, in their order."""
    taken: list[int] = []
    done = asyncio.Event()

    def take(_: str, obj: dict[str, Any], __: bool) -> None:
        taken.append(obj["number"])
        if len(taken) == COUNT:
            done.set()

    arrivals = Arrivals(asyncio.get_running_loop(), take)

    def put_all() -> None:
        for number in range(COUNT):
            arrivals.put("jobs", {"number": number}, False)

    thread = threading.Thread(target=put_all)
    thread.start()
    async with asyncio.timeout(10):
        await done.wait()
    thread.join()
    assert taken == list(range(COUNT))


async def test_one_that_cannot_be_read_stops_no_other() -> None:
    """An object on which taking fails is logged and left; those behind it, and those that come later, are taken."""
    taken: list[str] = []
    seen = asyncio.Event()

    def take(_: str, obj: dict[str, Any], __: bool) -> None:
        taken.append(obj["metadata"]["uid"])
        if taken[-1] == "last":
            seen.set()

    arrivals = Arrivals(asyncio.get_running_loop(), take)
    for metadata in ({"uid": "first"}, {}, {"uid": "third"}):
        arrivals.put("jobs", {"metadata": metadata}, False)
    await asyncio.sleep(0)
    arrivals.put("jobs", {"metadata": {"uid": "last"}}, False)
    async with asyncio.timeout(10):
        await seen.wait()
    assert taken == ["first", "third", "last"]


class Loop:
    """A loop that is turned by hand, with a clock of its own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.due: list[Callable[[], None]] = []
        self.call_soon = self.call_soon_threadsafe = self.due.append

    def time(self) -> float:
        return self.now


def test_many_hold_the_loop_for_a_bounded_time() -> None:
    """However much each object costs, everything else has a turn once 10 ms have passed, and none is forgotten."""
    loop, taken, turns = Loop(), list[int](), list[int]()

    def take(_: str, obj: dict[str, Any], __: bool) -> None:
        loop.now += 0.004
        taken.append(obj["number"])

    arrivals = Arrivals(loop, take)  # type: ignore[arg-type]  # all of a loop that is asked for
    for number in range(10):
        arrivals.put("jobs", {"number": number}, False)
    while loop.due:
        loop.due.pop(0)()
        turns.append(len(taken))
    assert turns == [3, 6, 9, 10]
    assert taken == list(range(10))
