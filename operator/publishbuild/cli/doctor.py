"""``publishbuild doctor``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from publishbuild.cli import session
from publishbuild.cli.options import OperatorNamespace, Where, on_cluster
from publishbuild.cli.output import USAGE, DataFormat, say_data
from publishbuild.cli.terminal import write

if TYPE_CHECKING:
    from publishbuild.client import Client
    from publishbuild.client.diagnosis import Findings

EXAMPLES = """\b
Examples:
  publishbuild doctor
  publishbuild doctor -n shop --operator-namespace publish

It changes nothing. ✓ is right, ! is worth a look or could not be read, ✗ keeps builds from running: exit code 1.
"""


@on_cluster
def doctor(
    where: Where,
    output: Annotated[DataFormat | None, typer.Option("--output", "-o", help="For programs.")] = None,
    operator_namespace: OperatorNamespace = None,
) -> None:
    """Look for what keeps builds from running: cluster, rights, operator, Redis, pauses."""

    async def work(client: Client) -> Findings:
        from publishbuild.client.diagnosis import diagnose  # noqa: PLC0415  # `--help` needs none of it

        return await diagnose(client, where.namespace or client.namespace, operator_namespace)

    found = session.run(where, work)
    from publishbuild.cli.console import terminal, wrap_width  # noqa: PLC0415  # as above
    from publishbuild.cli.views.check import Mark  # noqa: PLC0415
    from publishbuild.cli.views.checked import checked  # noqa: PLC0415
    from publishbuild.cli.views.checks import checks  # noqa: PLC0415

    done = checks(found)
    if output is None:
        write(checked(done, wrap_width(terminal())))
    else:
        say_data({"checks": [asdict(check) | {"mark": check.mark.name.lower()} for check in done]}, output)
    if any(check.mark is Mark.BAD for check in done):
        raise typer.Exit(USAGE)
