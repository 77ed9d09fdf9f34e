"""``publishbuild cancel``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from publishbuild.cli import session
from publishbuild.cli.options import Names, Timeout, Where, on_cluster
from publishbuild.cli.output import SUCCEEDED, TIMED_OUT, USAGE, full_name, remark, say
from publishbuild.cli.views.durations import human_duration

if TYPE_CHECKING:
    from publishbuild.client import Client

Object = dict[str, Any]

EXAMPLES = """\b
Examples:
  publishbuild cancel shop-9d3f0a8
  publishbuild cancel shop-9d3f0a8 shop-77ab012 --no-wait

It returns when the builds have really ended: pods gone, builds at EAS stopped. Cancelling cannot be taken back;
`publishbuild retry` builds again. Exits 0 where all were cancelled, 1 where one had ended otherwise before, 4 where
--timeout passed.
"""


@on_cluster
def cancel(
    where: Where,
    names: Names,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until they have ended.")] = True,
    timeout: Timeout = None,
) -> None:
    """Stop builds for good, whether they wait or run."""

    async def work(client: Client) -> int:
        namespace = where.namespace or client.namespace
        ends = [_cancel(client, namespace, name, wait, timeout) for name in dict.fromkeys(names)]
        return max(await asyncio.gather(*ends))

    raise typer.Exit(session.run(where, work))


async def _cancel(client: Client, namespace: str, name: str, wait: bool, seconds: int | None) -> int:
    """The exit code for one build. An error of one does not keep the others from being cancelled."""
    from publishbuild.client import Outcome, PublishBuildError, outcome  # noqa: PLC0415  # `--help` needs none of it

    try:
        build = await client.builds.get(namespace, name)
        if outcome(build) is None:
            build = await client.builds.patch_spec(namespace, name, cancel=True)
        if outcome(build) is None:
            say(f"{full_name(build)} cancelling")
            if not wait:
                return SUCCEEDED
            build = await client.builds.wait(namespace, name, seconds=seconds, on_trouble=remark)
    except TimeoutError:
        remark(f"publishbuild: {name} has not ended within {human_duration(seconds or 0)}; it is still being cancelled")
        return TIMED_OUT
    except PublishBuildError as error:
        remark(f"publishbuild: {error}")
        return USAGE
    ending = outcome(build)
    if ending is Outcome.CANCELLED:
        say(f"{full_name(build)} cancelled")
        return SUCCEEDED
    remark(f"publishbuild: {name} cannot be cancelled any more: it has ended ({ending})")
    return USAGE
