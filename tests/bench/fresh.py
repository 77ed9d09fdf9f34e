"""Where each measurement begins: a cluster that has just come up, on a machine that is quiet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

from rich.console import Console

from tests.bench.quiet import until_the_machine_is_quiet
from tests.support.cluster import kwok_anew
from tests.support.rig import Rig

AnyRig = TypeVar("AnyRig", bound=Rig)
console = Console()


def fresh(namespaces: int = 1) -> AbstractContextManager[Rig]:
    """A plain rig on a new cluster."""
    return on_new_cluster(lambda: Rig("bench", namespaces=namespaces))


@contextmanager
def on_new_cluster(make: Callable[[], AnyRig]) -> Iterator[AnyRig]:
    """The rig that is made on a new cluster: what an earlier measurement left behind costs the next one nothing."""
    kwok_anew()
    with make() as rig:
        until_the_machine_is_quiet(console.print)
        yield rig
