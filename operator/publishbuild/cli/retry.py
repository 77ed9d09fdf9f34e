"""``publishbuild retry``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from publishbuild.cli import session
from publishbuild.cli.options import Name, Timeout, Wait, Watch, Where, on_cluster
from publishbuild.cli.output import ObjectFormat, full_name, say, say_object
from publishbuild.cli.waiting import follow_up

if TYPE_CHECKING:
    from publishbuild.client import Client

EXAMPLES = """\b
Examples:
  publishbuild retry shop-9d3f0a8 --watch

The new build is named shop-9d3f0a8-r2, then -r3 and so on. It has the same spec and labels, and spec.retryOf names
the one before. What a build retries by itself (spec.backoffLimit) needs none of this.
"""


@on_cluster
def retry(
    where: Where,
    name: Name,
    force: Annotated[bool, typer.Option("--force", help="Also where it has succeeded, or still runs.")] = False,
    output: Annotated[ObjectFormat | None, typer.Option("--output", "-o", help="Another form than a sentence.")] = None,
    watch: Watch = False,
    wait: Wait = False,
    timeout: Timeout = None,
) -> None:
    """Build again what failed or was cancelled, as a new build."""

    async def work(client: Client) -> int:
        from publishbuild.client import retry_build  # noqa: PLC0415  # `--help` needs none of it

        build = await retry_build(client.builds, where.namespace or client.namespace, name, force=force)
        if output is None:
            say(f"{full_name(build)} created")
        else:
            say_object(build, output)
        return await follow_up(client, build, watch=watch, wait=wait, seconds=timeout, plain=output is None)

    raise typer.Exit(session.run(where, work))
