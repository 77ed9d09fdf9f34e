"""``publishbuild pause`` and ``publishbuild unpause``: a namespace, or all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from publishbuild.cli import session
from publishbuild.cli.options import OperatorNamespace, Where, on_cluster
from publishbuild.cli.output import refuse, remark, say

if TYPE_CHECKING:
    from publishbuild.client import Client

PAUSE_EXAMPLES = """\b
Examples:
  publishbuild pause                      # the context's namespace
  publishbuild pause -n shop
  publishbuild pause --all-namespaces     # through the operator's own namespace

Nothing starts any more, and what runs goes on. It is the annotation publishbuild.dev/paused on the Namespace, so it
needs the right to patch namespaces. To hold a single build: publishbuild suspend.
"""
UNPAUSE_EXAMPLES = """\b
Examples:
  publishbuild unpause -n shop
  publishbuild unpause --all-namespaces   # takes back `pause --all-namespaces`, and no namespace's own pause
"""

Everywhere = Annotated[bool, typer.Option("--all-namespaces", "-A", help="All that the operator watches.")]


@on_cluster
def pause(where: Where, all_namespaces: Everywhere = False, operator_namespace: OperatorNamespace = None) -> None:
    """Let no build of a namespace start; those that run go on."""
    _set(where, operator_namespace, everywhere=all_namespaces, paused=True)


@on_cluster
def unpause(where: Where, all_namespaces: Everywhere = False, operator_namespace: OperatorNamespace = None) -> None:
    """Let the builds of a namespace start again."""
    _set(where, operator_namespace, everywhere=all_namespaces, paused=False)


def _set(where: Where, operator_namespace: str | None, *, everywhere: bool, paused: bool) -> None:
    if everywhere and where.namespace:
        refuse("--namespace and --all-namespaces: name one of the two")

    async def work(client: Client) -> None:
        namespace = where.namespace or client.namespace
        if everywhere:
            # Named, it need not be looked for, which takes a right more.
            namespace = operator_namespace or (await client.queue.operator_service())[0]
        await client.namespaces.set_paused(namespace, paused)
        held = await _waiting(client, None if everywhere else namespace)
        what = "all namespaces" if everywhere else f"namespace {namespace}"
        held_text = (
            "" if held is None else f": {held} build{'' if held == 1 else 's'} {'held' if paused else 'waiting'}"
        )
        say(f"{what} {'paused' if paused else 'unpaused'}{held_text}")

    session.run(where, work)


async def _waiting(client: Client, namespace: str | None) -> int | None:
    """How many builds have not started; None where that may not be seen."""
    from publishbuild.client import ForbiddenError, outcome  # noqa: PLC0415  # `--help` needs none of it

    def waits(build: dict[str, Any]) -> bool:
        return outcome(build) is None and not (build.get("status") or {}).get("job")

    try:
        return sum(waits(build) for build in await client.builds.list_all(namespace))
    except ForbiddenError as error:
        remark(f"how many builds it holds cannot be seen: {error}")
        return None
