"""Names of builds for the shell's completion."""

from __future__ import annotations

import asyncio

import typer

from publishbuild.printable import is_printable

_SECONDS = 3.0


def build_names(context: typer.Context, incomplete: str) -> list[str]:
    """The names that begin so, in the namespace that the line so far names; none where the cluster does not answer."""
    said = context.params

    async def names() -> list[str]:
        from publishbuild.client import connected  # noqa: PLC0415  # only when a key is pressed

        async with asyncio.timeout(_SECONDS), connected(said.get("kubeconfig"), said.get("context")) as client:
            builds = await client.builds.list_all(said.get("namespace") or client.namespace)
        return [str(build["metadata"]["name"]) for build in builds]

    try:
        return [name for name in asyncio.run(names()) if name.startswith(incomplete) and is_printable(name)]
    except Exception:  # noqa: BLE001  # whatever it is, a terminal in the middle of a line is no place to say so
        return []
