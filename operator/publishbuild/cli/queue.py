"""``publishbuild queue``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from publishbuild.cli import session
from publishbuild.cli.options import AllNamespaces, OperatorNamespace, Where, on_cluster
from publishbuild.cli.output import DataFormat, remark, say, say_data
from publishbuild.cli.views import columns
from publishbuild.cli.views.line import Place, live_places, queue_rows, reported_places

if TYPE_CHECKING:
    from publishbuild.client import Client, LiveQueue

Object = dict[str, Any]

EXAMPLES = """\b
Examples:
  publishbuild queue
  publishbuild queue -A
  publishbuild queue -o json | jq '.waiting[0]'

The order is the operator's own, read through the API server (the right `get services/proxy`). Without it the positions
are those of the builds' statuses, which may be some seconds old. Of builds that you may not list only the number is
shown.
"""


@on_cluster
def queue(
    where: Where,
    all_namespaces: AllNamespaces = False,
    output: Annotated[DataFormat | None, typer.Option("--output", "-o", help="Another form than a table.")] = None,
    operator_namespace: OperatorNamespace = None,
) -> None:
    """Show what waits, in the exact order, why, and when each should start."""

    async def work(client: Client) -> None:
        namespace = None if all_namespaces else where.namespace or client.namespace
        builds = await client.builds.list_all(namespace)
        live = await _live(client, operator_namespace)
        if live is None:
            places = reported_places(builds)
        else:
            by_uid = {build["metadata"]["uid"]: build for build in builds}
            places = live_places(((entry.uid, entry) for entry in live.entries), by_uid)
        if output is None:
            _show(places, live)
        else:
            say_data(_data(places, live), output)

    session.run(where, work)


async def _live(client: Client, operator_namespace: str | None) -> LiveQueue | None:
    from publishbuild.client import QueueUnknownError  # noqa: PLC0415  # `--help` needs none of it

    try:
        return await client.queue.read(operator_namespace=operator_namespace)
    except QueueUnknownError as error:
        remark(f"the exact queue cannot be read, so the builds' own statuses are shown: {error}")
        return None


def _show(places: list[Place], live: LiveQueue | None) -> None:
    if places:
        say(*columns.table(queue_rows(places, datetime.now(UTC))))
    else:
        remark("nothing waits")
    if live is not None:
        redis = "" if live.redis_up else "; Redis is unavailable"
        remark(f"{live.running} of {live.limit} places taken{redis}")


def _data(places: list[Place], live: LiveQueue | None) -> Object:
    """As /v1/queue, with the names that may be seen; ``source`` says how exact it is."""
    waiting = [place.as_data() for place in places]
    if live is None:
        return {"source": "status", "waiting": waiting}
    redis = "up" if live.redis_up else "unavailable"
    return {"source": "operator", "limit": live.limit, "running": live.running, "redis": redis, "waiting": waiting}
