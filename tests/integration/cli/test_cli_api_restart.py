"""`publishbuild watch` while the API server ends and starts again: a real one, of a cluster of this file's own."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.cluster.control_plane import answers
from hack.cluster.places import State
from hack.cluster.processes import identify, noted
from hack.cluster.settings import STEP, Settings
from tests.support.cli import Cli
from tests.support.cluster import ROOT, kwok_down, kwok_kubeconfig
from tests.support.fixtures import Manifest, StartOperator
from tests.support.kube import Kube
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

OWN = ROOT / ".cluster" / "restarted"
PORT_BASES = range(16600, 20000, STEP)


@pytest.fixture(scope="module")
def kubeconfig() -> Iterator[Path]:
    """A cluster whose API server may be ended: no other test uses it. Another clone's tests may run beside these."""
    kwok_down(OWN)  # of a run that was killed
    free = next(base for base in PORT_BASES if not any(map(answers, Settings("kwok", base).ports)))
    try:
        yield kwok_kubeconfig(OWN, "--port-base", str(free))
    finally:
        kwok_down(OWN)


def end_api_server() -> None:
    """Kill it, as a node that is lost does, and wait until it is gone."""
    server = noted(State.at(OWN), "kube-apiserver")
    assert server is not None
    os.kill(server.pid, signal.SIGKILL)
    until(lambda: identify(server.pid) != server, seconds=30, what="the API server has ended")


def test_a_watch_goes_on_through_a_restart_of_the_api_server(
    cli: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest
) -> None:
    """Lines and live view alike outlive an API server that is killed and comes back, and end as the build does."""
    operator = start_operator()
    kube.apply(manifest("app", outcome="hold"))
    kube.wait_phase("app", "Running")
    lines = cli.start("watch", "app")
    assert lines.stdout is not None
    assert "app Running" in lines.stdout.readline()
    with cli.on_terminal("watch", "app") as terminal:
        terminal.until("app  Running")
        end_api_server()
        terminal.until("app  Running", "not up to date for")
        kwok_kubeconfig(OWN)
        kube.patch_spec("app", cancel=True)
        assert terminal.wait_ended() == 3
        assert "app  Cancelled" in terminal.text()
        assert "not up to date" not in terminal.text()
    told, said = lines.communicate(timeout=60)
    assert lines.returncode == 3
    assert "app Cancelled" in told
    assert "Traceback" not in said
    assert operator.is_running(), "the operator outlives it, too"
