"""Waiting for the end of builds, and the exit code that tells of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from publishbuild.cli.change_printer import ChangePrinter
from publishbuild.cli.output import CANCELLED, FAILED, SUCCEEDED, TIMED_OUT, USAGE, remark
from publishbuild.cli.views.durations import human_duration
from publishbuild.cli.views.state import state_line
from publishbuild.cli.watching import watch_to_end

if TYPE_CHECKING:
    from publishbuild.client import Client

Object = dict[str, Any]


async def follow_up(
    client: Client, build: Object, *, watch: bool, wait: bool, seconds: int | None, plain: bool = True
) -> int:
    """What --watch and --wait ask for after ``build`` was created: the exit code.

    ``plain`` is False where stdout holds a document, and changes are told on stderr.
    """
    if not watch and not wait:
        return SUCCEEDED
    if watch and plain:
        return await watch_to_end(client, [build], seconds=seconds)
    printer = ChangePrinter(datetime.now, remark) if watch else None
    metadata = build["metadata"]
    return await wait_for_end(client, metadata["namespace"], metadata["name"], seconds, on_change=printer)


async def wait_for_end(
    client: Client, namespace: str, name: str, seconds: int | None, *, on_change: Callable[[Object], None] | None = None
) -> int:
    """The exit code once the build has ended: 0 succeeded, 2 failed, 3 cancelled; 4 where ``seconds`` pass before.

    ``on_change`` is told of each state, the last one included; without it the last one is said.

    Raises:
        PublishBuildError: where it cannot be told, since it was deleted or may not be read.
    """
    from publishbuild.client import Outcome, outcome  # noqa: PLC0415  # `--help` needs none of it

    codes = {Outcome.SUCCEEDED: SUCCEEDED, Outcome.FAILED: FAILED, Outcome.CANCELLED: CANCELLED}

    def has_ended(build: Object) -> bool:
        if on_change is not None:
            on_change(build)
        return outcome(build) in codes

    try:
        build = await client.builds.wait(namespace, name, until=has_ended, seconds=seconds, on_trouble=remark)
    except TimeoutError:
        remark(f"{name} has not ended within {human_duration(seconds or 0)}; it goes on")
        return TIMED_OUT
    if on_change is None:
        remark(state_line(build))
    ended = outcome(build)
    return USAGE if ended is None else codes[ended]
