"""``publishbuild watch``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from publishbuild.cli import session
from publishbuild.cli.following import follow, found
from publishbuild.cli.options import OperatorNamespace, Selector, SomeNames, Timeout, Where, on_cluster
from publishbuild.cli.output import FAILED, INTERRUPTED, refuse, remark
from publishbuild.cli.seeing import options_of

if TYPE_CHECKING:
    from publishbuild.client import Client

Object = dict[str, Any]

EXAMPLES = """\b
Examples:
  publishbuild watch shop-42
  publishbuild watch shop-ios shop-android
  publishbuild watch -l app=shop --timeout 2h

It ends when all these builds have ended: 0 succeeded, 2 one failed, 3 one was cancelled, 4 timed out, 1 could not tell.
Where the output is no terminal, each change is a line with its time.
"""


@on_cluster
def watch(
    where: Where,
    names: SomeNames = None,
    selector: Selector = "",
    timeout: Timeout = None,
    plain: Annotated[bool, typer.Option("--plain", help="Lines on a terminal, too.")] = False,
    operator_namespace: OperatorNamespace = None,
) -> None:
    """Follow builds until they have ended."""
    if bool(names) == bool(selector):
        refuse("name builds, or choose them by --selector: one of the two")

    async def work(client: Client) -> int:
        builds = await found(client, where.namespace or client.namespace, names or [], selector)
        return await watch_to_end(
            client, builds, selector=selector, seconds=timeout, plain=plain, operator_namespace=operator_namespace
        )

    said = " ".join(names or [f"-l {selector}"])
    try:
        code = session.run(where, work)
    except KeyboardInterrupt:
        remark(going_on(said, where))
        raise typer.Exit(INTERRUPTED) from None
    if code == FAILED and names:
        remark(f"to see why: publishbuild why {names[0]}{_options(where)}")
    raise typer.Exit(code)


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
    from publishbuild.cli.live import PlainScreen, is_live, live_screen  # noqa: PLC0415  # `--help` needs none of it
    from publishbuild.cli.live_feeds import feeds  # noqa: PLC0415
    from publishbuild.cli.terminal import terminal  # noqa: PLC0415

    if plain or not is_live():
        return await follow(client, builds, PlainScreen(), selector=selector, seconds=seconds)
    async with live_screen(terminal()) as screen, feeds(client, screen, operator_namespace):
        return await follow(client, builds, screen, selector=selector, seconds=seconds)


def going_on(names: str, where: Where) -> str:
    """What a person who leaves should know."""
    options = _options(where)
    return (
        f"nothing is stopped: publishbuild watch {names}{options} goes on, publishbuild cancel {names}{options} stops"
    )


def _options(where: Where) -> str:
    given = [f"-n {where.namespace}" if where.namespace else "", options_of(where)]
    return "".join(f" {option}" for option in given if option)
