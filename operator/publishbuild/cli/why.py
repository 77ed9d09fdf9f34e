"""``publishbuild why``: why a build waits, runs, failed or has ended, and what to do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from publishbuild.cli import session
from publishbuild.cli.options import Name, OperatorNamespace, Where, on_cluster
from publishbuild.cli.output import DataFormat, say_data
from publishbuild.cli.seeing import options_of, see
from publishbuild.cli.terminal import write

if TYPE_CHECKING:
    from publishbuild.cli.views.sight import Sight
    from publishbuild.client import Client

EXAMPLES = """\b
Examples:
  publishbuild why shop-42
  publishbuild why shop-42 -o json | jq -r '.steps[].command'

All reasons are in docs/reasons.md."""


@on_cluster
def why(
    where: Where,
    name: Name,
    output: Annotated[DataFormat | None, typer.Option("--output", "-o", help="For programs.")] = None,
    operator_namespace: OperatorNamespace = None,
) -> None:
    """Say in a sentence why a build waits or has failed, what shows it, and what to do."""

    async def work(client: Client) -> Sight:
        build = await client.builds.get(where.namespace or client.namespace, name)
        return await see(client, build, datetime.now(UTC), operator_namespace, options_of(where, namespace=False))

    sight = session.run(where, work)
    from publishbuild.cli.console import terminal, wrap_width  # noqa: PLC0415  # `--help` needs none of it
    from publishbuild.cli.views.explain import explain  # noqa: PLC0415
    from publishbuild.cli.views.explained import as_data, explained  # noqa: PLC0415

    explanation = explain(sight)
    if output is not None:
        say_data(as_data(explanation), output)
        return
    write(explained(explanation, wrap_width(terminal())))
