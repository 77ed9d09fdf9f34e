"""`publishbuild watch` while the API server ends and starts again: a real one, of a cluster of this file's own."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.cluster.places import State
from hack.cluster.processes import identify, noted
from tests.support.cli import Cli
from tests.support.cluster import ROOT, kwok_down, kwok_kubeconfig, own_ports
from tests.support.fixtures import Manifest, StartOperator
from tests.support.kube import Kube
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

OWN = ROOT / ".cluster" / "restarted"


@pytest.fixture(scope="module")
def kubeconfig() -> Iterator[Path]:
    """A cluster whose API server may be ended: no other test uses it."""
    kwok_down(OWN)  # of a run that was killed
    try:
        yield kwok_kubeconfig(OWN, *own_ports(0))
    finally:
        kwok_down(OWN)


def end_api_server() -> None:
    """Kill it, as a node that is lost does, and wait until it is gone."""
    server = noted(State.at(OWN), "kube-apiserver")
    assert server is not None
    os.kill(server.pid, signal.SIGKILL)
    until(lambda: identify(server.pid) != server, seconds=30, what="the API server has ended")


@pytest.mark.timers(25)
def test_a_watch_goes_on_through_a_restart_of_the_api_server(
    cli: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest
) -> None:
    """Lines and live view alike outlive an API server that is killed and comes back, and end as the build does."""
    start_operator()
    # Where the API server is away for longer than the lease lasts, the leader ends.
    start_operator(log="standby")
    kube.apply(manifest("app", outcome="hold"))
    kube.wait_phase("app", "Running")
    lines = cli.start("watch", "app")
    assert lines.stdout is not None
    assert "app Running" in lines.stdout.readline()
    with cli.on_terminal("watch", "app") as terminal:
        terminal.until("app  Running")
        end_api_server()
        terminal.until("app  Running", "not up to date for")
        kwok_kubeconfig(OWN, *own_ports(0))
        kube.patch_spec("app", cancel=True)
        assert terminal.wait_ended() == 3
        assert "app  Cancelled" in terminal.text()
        assert "not up to date" not in terminal.text()
    told, said = lines.communicate(timeout=120)
    assert lines.returncode == 3
    assert "app Cancelled" in told
    assert "Traceback" not in said
