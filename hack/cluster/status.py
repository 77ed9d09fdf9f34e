"""Tells a person what runs, where, and how to use it."""

import os
import shlex
from functools import partial

from rich.console import Console
from rich.table import Table

from hack.cluster.parts import running
from hack.cluster.places import State
from hack.cluster.settings import Settings


def show(state: State, settings: Settings) -> None:
    """A small table of the parts, the addresses, and the line that points kubectl at them."""
    table = Table(box=None, pad_edge=False)
    for column in ("part", "runs", "pid"):
        table.add_column(column)
    for name, process in running(state, settings).items():
        table.add_row(name, "[green]yes[/]" if process else "[red]no[/]", str(process.pid) if process else "")
    out = Console(highlight=False, soft_wrap=True)
    out.print(table)
    out.print()
    tell = partial(out.print, markup=False)  # brackets in a path are part of it
    tell(f"API server   https://127.0.0.1:{settings.api_port}")
    tell(f"Redis        127.0.0.1:{settings.redis_port} (address with password: {state / 'redis-url'})")
    if settings.node == "real":
        tell(f"this machine {settings.host_address}, as pods see it; pods {settings.pod_network}")
        tell(f"Services     {settings.service_network}, reachable from this machine too")
    tell(f"logs         {state / 'logs'}")
    kubeconfig = os.path.relpath(state / "kubeconfig")
    tell(f"use it       export KUBECONFIG={shlex.quote(kubeconfig)}")
