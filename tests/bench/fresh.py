"""Where each measurement begins: a cluster that has just come up, on a machine that is quiet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from tests.bench.quiet import until_the_machine_is_quiet
from tests.support.cluster import kwok_down
from tests.support.rig import Rig

console = Console()


@contextmanager
def fresh(namespaces: int = 1) -> Iterator[Rig]:
    """A rig on a new cluster: what an earlier measurement left behind costs the next one nothing."""
    kwok_down()
    with Rig("bench", namespaces=namespaces) as rig:
        until_the_machine_is_quiet(console.print)
        yield rig
