"""Follows builds to their end, and the exit code that tells of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Protocol

from publishbuild.cli.output import CANCELLED, FAILED, SUCCEEDED, TIMED_OUT, USAGE, refuse, remark
from publishbuild.cli.views.durations import human_duration

if TYPE_CHECKING:
    from publishbuild.client import Change, Client

Object = dict[str, Any]


class Screen(Protocol):
    """Where changes are shown."""

    def show(self, build: Object) -> None:
        """The build is like this now."""
        ...

    def trouble(self, text: str) -> None:
        """The API server is away; what is shown may be old."""
        ...


async def found(client: Client, namespace: str, names: Sequence[str], selector: str) -> list[Object]:
    """The builds of these names, or those of the selector, the oldest first.

    Raises:
        PublishBuildError: where one of them does not exist.
    """
    if names:
        return list(await asyncio.gather(*(client.builds.get(namespace, name) for name in dict.fromkeys(names))))
    builds = await client.builds.list_all(namespace, selector=selector)
    return builds or refuse(f"no builds with the labels {selector} in namespace {namespace}")


async def follow(
    client: Client, builds: Sequence[Object], screen: Screen, *, selector: str = "", seconds: float | None = None
) -> int:
    """Show each change until all builds have ended; those that come to ``selector`` meanwhile are followed too.

    Returns the exit code: 2 where one failed, else 3 where one was cancelled, 1 where one was deleted before its end,
    4 where ``seconds`` passed.
    """
    ends = _Ends(builds)
    namespace = builds[0]["metadata"]["namespace"]
    names = [""] if selector else [build["metadata"]["name"] for build in builds]
    watches = [
        client.builds.watch(namespace, name=name, selector=selector, on_trouble=screen.trouble) for name in names
    ]

    def take(change: Change) -> bool:
        if not change.deleted:
            screen.show(change.build)
        ends.take(change)
        return not ends.awaited

    try:
        async with asyncio.timeout(seconds):
            await _until(watches, take)
    except TimeoutError:
        remark(ends.too_late(seconds or 0))
        return TIMED_OUT
    return ends.exit_code()


class _Ends:
    """How each build has ended; ``awaited`` are the names of those that have not, by uid."""

    def __init__(self, builds: Sequence[Object]) -> None:
        self.awaited = {build["metadata"]["uid"]: build["metadata"]["name"] for build in builds}
        self._codes: dict[str, int] = {}

    def take(self, change: Change) -> None:
        from publishbuild.client import Outcome, outcome  # noqa: PLC0415  # `--help` needs none of it

        codes = {Outcome.SUCCEEDED: SUCCEEDED, Outcome.FAILED: FAILED, Outcome.CANCELLED: CANCELLED}
        metadata, ending = change.build["metadata"], outcome(change.build)
        uid, name = metadata["uid"], metadata["name"]
        if ending is not None:
            self._codes[uid] = codes[ending]
            self.awaited.pop(uid, None)
        elif uid in self._codes:
            return  # an end never changes, and deleting what has ended takes nothing back
        elif change.deleted:
            remark(f"{name} was deleted before it had ended")
            self._codes[uid] = USAGE
            self.awaited.pop(uid, None)
        else:
            self.awaited[uid] = name

    def too_late(self, seconds: float) -> str:
        names, one = ", ".join(sorted(self.awaited.values())), len(self.awaited) == 1
        within = f"not ended within {human_duration(seconds)}"
        return f"{names} has {within}; it goes on" if one else f"{names} have {within}; they go on"

    def exit_code(self) -> int:
        codes = set(self._codes.values())
        return next((code for code in (FAILED, CANCELLED, USAGE) if code in codes), SUCCEEDED)


async def _until(watches: Sequence[AsyncGenerator[Change, None]], take: Callable[[Change], bool]) -> None:
    """Take the changes of all watches until ``take`` says that it is enough."""
    enough = asyncio.Event()

    async def pump(changes: AsyncGenerator[Change, None]) -> None:
        async with aclosing(changes):
            async for change in changes:
                if take(change):
                    enough.set()

    tasks = [asyncio.create_task(pump(changes)) for changes in watches]
    tasks.append(asyncio.create_task(_wait(enough)))
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _wait(event: asyncio.Event) -> None:
    await event.wait()
