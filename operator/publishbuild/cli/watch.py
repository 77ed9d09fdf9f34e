"""``publishbuild watch``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from publishbuild.cli import session
from publishbuild.cli.following import found
from publishbuild.cli.options import OperatorNamespace, Selector, SomeNames, Timeout, Where, on_cluster
from publishbuild.cli.output import FAILED, refuse, remark
from publishbuild.cli.seeing import options_of
from publishbuild.cli.watching import going_on, watch_to_end

if TYPE_CHECKING:
    from publishbuild.client import Client

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
    code = session.run(where, work, interrupted=going_on(said, where))
    if code == FAILED and names:
        remark(f"to see why: publishbuild why {names[0]}{options_of(where)}")
    raise typer.Exit(code)
