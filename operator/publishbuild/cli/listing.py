"""``publishbuild list``."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from publishbuild.cli import session
from publishbuild.cli.options import AllNamespaces, OperatorNamespace, Selector, Where, on_cluster
from publishbuild.cli.output import ListFormat, refuse, remark, say, say_list
from publishbuild.cli.views import columns
from publishbuild.cli.views.listing import Listing, Object
from publishbuild.names import Phase

if TYPE_CHECKING:
    from publishbuild.client import Change, Client, LiveQueue

EXAMPLES = """\b
Examples:
  publishbuild list
  publishbuild list -A --phase Queued
  publishbuild list -l app=shop --watch
  publishbuild list -o name --phase Failed | xargs -r kubectl delete"""


@on_cluster
def list_builds(
    where: Where,
    phase: Annotated[
        list[Phase] | None, typer.Option("--phase", metavar="PHASE", help="Only builds in this phase; may be repeated.")
    ] = None,
    selector: Selector = "",
    all_namespaces: AllNamespaces = False,
    output: Annotated[ListFormat | None, typer.Option("--output", "-o", help="Another form than a table.")] = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on, with a line for each change.")] = False,
    operator_namespace: OperatorNamespace = None,
) -> None:
    """List builds, the oldest first."""

    async def work(client: Client) -> None:
        namespace = None if all_namespaces else where.namespace or client.namespace
        builds = await client.builds.list_all(namespace, selector=selector)
        builds = [build for build in builds if _in_phase(build, phase)]
        if output in {ListFormat.NAME, ListFormat.JSON, ListFormat.YAML} and not watch:
            say_list(builds, output)
            return
        # A queue that was read once would soon be wrong beside lines that go on.
        queue = None if watch else await _queue(client, builds, operator_namespace)
        listing = Listing(queue, all_namespaces=all_namespaces, wide=output is ListFormat.WIDE)
        if builds or watch:
            say(*columns.table(listing.rows(builds, datetime.now(UTC))))
        else:
            remark(f"no such builds in {f'namespace {namespace}' if namespace else 'any namespace'}")
        if watch:
            changes = client.builds.watch(namespace, selector=selector, on_trouble=remark)
            await _follow(changes, builds, listing, phase)

    if watch and output not in {None, ListFormat.WIDE}:
        refuse(f"--watch shows lines: it cannot be had with --output {output}")
    session.run(where, work)


async def _queue(client: Client, builds: list[Object], operator_namespace: str | None) -> LiveQueue | None:
    """The exact queue where one of ``builds`` waits and it can be read."""
    from publishbuild.client import QueueUnknownError  # noqa: PLC0415  # `--help` needs none of it

    if not any((build.get("status") or {}).get("queue") for build in builds):
        return None
    try:
        return await client.queue.read(operator_namespace=operator_namespace)
    except QueueUnknownError:
        return None


async def _follow(
    changes: AsyncGenerator[Change, None], builds: list[Object], listing: Listing, phase: list[Phase] | None
) -> None:
    """A line for each build whose row has changed, for ever."""
    now = datetime.now(UTC)
    wide = columns.widths(listing.rows(builds, now))
    age = listing.headings().index("AGE")
    seen = {build["metadata"]["uid"]: _without(listing.row(build, now), age) for build in builds}
    async with aclosing(changes):
        async for change in changes:
            row, uid = listing.row(change.build, datetime.now(UTC)), change.build["metadata"]["uid"]
            if change.deleted or not _in_phase(change.build, phase) or seen.get(uid) == _without(row, age):
                continue
            seen[uid] = _without(row, age)
            say(columns.line(row, wide))


def _without(row: list[str], index: int) -> list[str]:
    return row[:index] + row[index + 1 :]


def _in_phase(build: Object, phases: list[Phase] | None) -> bool:
    return not phases or (build.get("status") or {}).get("phase") in phases
