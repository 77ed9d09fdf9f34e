"""Watching builds to their end: for `publishbuild watch`, and for --watch of the verbs that make one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from publishbuild.cli.following import follow
from publishbuild.cli.options import Where
from publishbuild.cli.seeing import options_of

if TYPE_CHECKING:
    from publishbuild.client import Client

Object = dict[str, Any]


async def watch_to_end(
    client: Client,
    builds: Sequence[Object],
    *,
    selector: str = "",
    seconds: int | None = None,
    plain: bool = False,
    operator_namespace: str | None = None,
) -> int:
    """Show ``builds``, on a terminal as a live view, until all have ended: the exit code of `follow`."""
    from publishbuild.cli.console import terminal  # noqa: PLC0415
    from publishbuild.cli.live import PlainScreen, is_live, live_screen  # noqa: PLC0415  # `--help` needs none of it
    from publishbuild.cli.live_feeds import feeds  # noqa: PLC0415

    if plain or not is_live():
        return await follow(client, builds, PlainScreen(), selector=selector, seconds=seconds)
    async with live_screen(terminal()) as screen, feeds(client, screen, operator_namespace):
        return await follow(client, builds, screen, selector=selector, seconds=seconds)


def going_on(names: str, where: Where) -> str:
    """What a person who leaves should know."""
    named = f"{names}{options_of(where)}"
    return f"nothing is stopped: publishbuild watch {named} goes on, publishbuild cancel {named} stops"
