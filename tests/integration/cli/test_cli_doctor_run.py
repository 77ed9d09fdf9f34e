"""`publishbuild doctor` on a real cluster, with an operator and without."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.support.cli import Cli
from tests.support.exposed import expose, own_address
from tests.support.fixtures import Manifest, StartOperator
from tests.support.kube import Kube

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]


def marks(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    return {check["what"]: check["mark"] for check in json.loads(done.stdout)["checks"]}


def test_it_tells_an_operator_that_works_from_none(
    cli: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest
) -> None:
    """Cluster, CRD and rights are good by themselves; the leader is missed as long as there is none."""
    arguments = ("doctor", "--operator-namespace", kube.namespace, "-o", "json")
    without = cli(*arguments)
    assert without.returncode == 1
    told = marks(without)
    good = {what for what, mark in told.items() if mark == "good"}
    assert {"API server", "clock", "PublishBuild CRD", "your rights", "pauses"} <= good
    assert told["leader"] == told["operator"] == "bad"
    operator = start_operator()
    kube.apply(manifest("app"))
    kube.wait_phase("app", "Succeeded")
    told = marks(cli(*arguments))
    assert told["leader"] == told["runner image"] == "good"
    assert told["operator"] == "doubt", "it works, but from no Deployment"
    address = own_address()
    if address is not None:
        expose(kube, operator.port, address)
        assert marks(cli(*arguments))["queue and Redis"] == "good"


def test_a_namespace_that_is_paused_is_seen(cli: Cli, kube: Kube) -> None:
    """A pause is told with the command that ends it."""
    assert cli("pause").returncode == 0
    done = cli("doctor", "--operator-namespace", "default")
    assert f"the namespace is paused\n                    → publishbuild unpause -n {kube.namespace}" in done.stdout
