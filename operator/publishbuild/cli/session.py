"""One call of a verb that needs a cluster: connects, works, and ends in one line where something is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import typer

from publishbuild.cli.options import Where
from publishbuild.cli.output import INTERRUPTED, refuse, remark

if TYPE_CHECKING:
    from publishbuild.client import Client

Result = TypeVar("Result")


def run(
    where: Where,
    work: Callable[[Client], Awaitable[Result]],
    *,
    interrupted: str = "stopped; what the cluster was asked for goes on",
) -> Result:
    """What ``work`` returns. Ends the process with exit code 1 and one line where the cluster says no.

    Ctrl-C ends it with 130 and the line ``interrupted``.
    """
    try:
        from publishbuild.client import PublishBuildError, connected  # noqa: PLC0415  # `--help` needs none of it
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        refuse(f"{package} is missing: pip install 'publishbuild-operator[client]'")

    async def session() -> Result:
        async with connected(kubeconfig=where.kubeconfig, context=where.context) as client:
            return await work(client)

    try:
        return asyncio.run(session())
    except PublishBuildError as error:
        refuse(str(error))
    except KeyboardInterrupt:
        remark(f"publishbuild: {interrupted}")
        raise typer.Exit(INTERRUPTED) from None
