"""Reads all that can be seen of one build. What may not be read, or cannot be right now, is left out."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Awaitable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from publishbuild.cli.options import Where

if TYPE_CHECKING:
    from publishbuild.cli.views.sight import Sight
    from publishbuild.client import Client, QueueEntry

Object = dict[str, Any]
Read = TypeVar("Read")


async def see(
    client: Client, build: Object, now: datetime, operator_namespace: str | None = None, where: str = ""
) -> Sight:
    """``build`` with its pods, Events and place in the queue; ``where`` are the options for the commands shown."""
    from publishbuild.cli.views.sight import Sight  # noqa: PLC0415  # `--help` needs none of it

    pods, entry = await asyncio.gather(
        _or_else(client.pods.of_build(build), []), _entry(client, build, operator_namespace)
    )
    namespace = build["metadata"]["namespace"]
    uids = [build["metadata"]["uid"], *(pod["metadata"]["uid"] for pod in pods)]
    found = await asyncio.gather(*(_or_else(client.pods.events(namespace, uid), []) for uid in uids))
    events = sorted((event for events in found for event in events), key=_time)
    return Sight.read(build, now, pods=pods, events=events, entry=entry, where=where)


def options_of(where: Where, *, namespace: bool = True) -> str:
    """The options, each after a blank, that another command needs to mean the same builds."""
    given = {
        "-n": where.namespace if namespace else None,
        "--context": where.context,
        "--kubeconfig": where.kubeconfig,
    }
    return "".join(f" {option} {shlex.quote(value)}" for option, value in given.items() if value)


async def _entry(client: Client, build: Object, operator_namespace: str | None) -> QueueEntry | None:
    """The build's place in the exact queue; None where it does not wait or the queue cannot be read."""
    if not (build.get("status") or {}).get("queue") or (build["status"].get("job")):
        return None
    live = await _or_else(client.queue.read(operator_namespace=operator_namespace), None)
    return live.entry(build["metadata"]["uid"]) if live else None


async def _or_else(reading: Awaitable[Read], otherwise: Read) -> Read:
    from publishbuild.client import PublishBuildError  # noqa: PLC0415  # as above

    try:
        return await reading
    except PublishBuildError:
        return otherwise


def _time(event: Object) -> str:
    from publishbuild.client.pods import event_time  # noqa: PLC0415  # as above

    return event_time(event)
