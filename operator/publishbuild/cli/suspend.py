"""``publishbuild suspend`` and ``publishbuild resume``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from publishbuild.cli import session
from publishbuild.cli.options import Names, Where, on_cluster
from publishbuild.cli.output import full_name, refuse, remark, say

if TYPE_CHECKING:
    from publishbuild.client import Client

SUSPEND_EXAMPLES = """\b
Examples:
  publishbuild suspend shop-9d3f0a8
  publishbuild list -o name --phase Queued | xargs publishbuild suspend

It keeps its age: resumed, it stands where it would have stood. To hold a whole namespace: publishbuild pause.
"""
RESUME_EXAMPLES = """\b
Examples:
  publishbuild resume shop-9d3f0a8
"""


@on_cluster
def suspend(where: Where, names: Names) -> None:
    """Hold builds that wait; those that run go on."""
    _set(where, names, suspended=True)


@on_cluster
def resume(where: Where, names: Names) -> None:
    """Let suspended builds wait for their turn again."""
    _set(where, names, suspended=False)


def _set(where: Where, names: Sequence[str], *, suspended: bool) -> None:
    async def work(client: Client) -> None:
        namespace = where.namespace or client.namespace
        for name in dict.fromkeys(names):
            await _set_one(client, namespace, name, suspended)

    session.run(where, work)


async def _set_one(client: Client, namespace: str, name: str, suspended: bool) -> None:
    from publishbuild.client import outcome  # noqa: PLC0415  # `--help` needs none of it

    build: dict[str, Any] = await client.builds.get(namespace, name)
    ending = outcome(build)
    if ending:
        refuse(f"{name} has ended ({ending}): only what waits can be {'suspended' if suspended else 'resumed'}")
    build = await client.builds.patch_spec(namespace, name, suspend=suspended)
    say(f"{full_name(build)} {'suspended' if suspended else 'resumed'}")
    if suspended and (build.get("status") or {}).get("job"):
        remark(f"{name} runs already and goes on: to stop it, publishbuild cancel {name}")
