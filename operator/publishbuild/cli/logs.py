"""``publishbuild logs``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from publishbuild.cli import session
from publishbuild.cli.options import Name, Where, on_cluster
from publishbuild.cli.output import refuse, say
from publishbuild.cli.seeing import options_of
from publishbuild.cli.views.state import state_line

if TYPE_CHECKING:
    from publishbuild.client import Client

Object = dict[str, Any]

EXAMPLES = """\b
Examples:
  publishbuild logs shop-42
  publishbuild logs shop-42 -f             # waits for the pod, and goes on with the next attempt
  publishbuild logs shop-42 --tail 20
  publishbuild logs shop-42 --raw | jq -R 'fromjson? | select(.level == "error")'

Of a pod that is gone the last lines are shown that were kept in the build's status. EAS keeps the log of what it
builds: the links come last.
"""


@on_cluster
def logs(
    where: Where,
    name: Name,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the build has ended.")] = False,
    tail: Annotated[
        int | None, typer.Option("--tail", min=0, metavar="N", help="The last N lines of each attempt.")
    ] = None,
    raw: Annotated[
        bool,
        typer.Option("--raw", help="Lines as the pods wrote them; a terminal gets control characters escaped."),
    ] = False,
) -> None:
    """Show the log of all attempts, also where their pods are gone."""

    async def work(client: Client) -> None:
        from publishbuild.cli.log_story import LogStory  # noqa: PLC0415  # `--help` needs none of it

        build = await client.builds.get(where.namespace or client.namespace, name)
        story = LogStory(client, build, follow=follow, tail=tail, raw=raw)
        if not await story.tell():
            refuse(f"there is no log yet: {state_line(story.build)} (-f waits for it)")
        _say_links(story.build)

    again = f"publishbuild logs {name} -f{options_of(where)}"
    session.run(where, work, interrupted=f"the build goes on; to read on: {again}")


def _say_links(build: Object) -> None:
    from publishbuild.cli.views.log_lines import eas_links  # noqa: PLC0415  # as above
    from publishbuild.decide.facts import BuildFacts  # noqa: PLC0415

    links = list(eas_links(BuildFacts.read(build).status))
    if links:
        say("==> on EAS <==")
    for link in links:
        say(link)
