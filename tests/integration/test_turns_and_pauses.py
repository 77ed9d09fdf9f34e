"""Namespaces take turns, a pause holds, and nothing waits for ever."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.cluster import KUBECTL, ROOT, apply_crd, own_ports
from tests.support.fixtures import Manifest, StartOperator
from tests.support.kube import JobRecorder, Kube, Object, condition, own_namespace
from tests.support.operator_process import OperatorProcess
from tests.support.redis_process import RedisProcess
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

FLOOD = 60
PAUSE = "publishbuild.dev/paused"


@pytest.fixture
def other(kube: Kube) -> Iterator[Kube]:
    """A second namespace."""
    with own_namespace(kube.kubeconfig) as made:
        yield made


def reason(build: Object) -> str:
    shown: str = condition(build, "Succeeded").get("reason", "")
    return shown


def shows(kube: Kube, name: str, wanted: str) -> Callable[[], bool]:
    return lambda: reason(kube.build(name)) == wanted


def test_a_flood_does_not_starve_another_namespace(
    kube: Kube, other: Kube, start_operator: StartOperator, manifest: Manifest, jobs_seen: JobRecorder
) -> None:
    """With a long queue in one namespace, the one build of another is among the next two launched."""
    start_operator(max_concurrent=1, watch_namespaces=f"{kube.namespace},{other.namespace}")
    kube.apply(*[manifest(f"a-{n:02d}", seconds=0.2) for n in range(FLOOD)])
    until(lambda: len(jobs_seen.uids) >= 3, seconds=60, what="the flood runs")
    other.apply(manifest("b"))
    before = len(jobs_seen.uids)
    other.wait_phase("b", "Running", "Succeeded")
    # One may have been launched while kubectl was on its way, one while the answer was read.
    assert len(jobs_seen.uids) <= before + 3
    other.wait_phase("b", "Succeeded")


def test_a_paused_namespace_waits_and_says_so(
    kube: Kube, other: Kube, start_operator: StartOperator, manifest: Manifest
) -> None:
    """The annotation on a Namespace holds its builds as QueuePaused and no others, until it is removed."""
    other.kubectl("annotate", "namespace", other.namespace, f"{PAUSE}=true")
    operator = start_operator(watch_namespaces=f"{kube.namespace},{other.namespace}")
    other.apply(manifest("held"))
    kube.apply(manifest("free"))
    until(shows(other, "held", "QueuePaused"), seconds=15, what="QueuePaused shown")
    assert other.namespace in condition(other.build("held"), "Succeeded")["message"]
    kube.wait_phase("free", "Succeeded")
    assert other.jobs() == []
    assert f'namespace="{other.namespace}",reason="QueuePaused"}} 1.0' in operator.get("/metrics")[1]
    other.kubectl("annotate", "namespace", other.namespace, f"{PAUSE}-")
    other.wait_phase("held", "Succeeded")


def test_a_pause_of_the_operators_namespace_holds_all(
    kube: Kube, other: Kube, start_operator: StartOperator, manifest: Manifest
) -> None:
    """The annotation on the operator's own namespace holds every namespace's builds; running ones go on."""
    start_operator(watch_namespaces=f"{kube.namespace},{other.namespace}", max_concurrent=1)
    other.apply(manifest("runs", outcome="hold"))
    other.wait_phase("runs", "Running")
    other.apply(manifest("waits"))
    until(shows(other, "waits", "GlobalLimit"), seconds=15, what="it waits for the place")
    kube.kubectl("annotate", "namespace", kube.namespace, f"{PAUSE}=true")
    until(shows(other, "waits", "QueuePaused"), seconds=15, what="QueuePaused shown")
    assert reason(other.build("runs")) == "Running"
    kube.kubectl("annotate", "namespace", kube.namespace, f"{PAUSE}-")
    until(shows(other, "waits", "GlobalLimit"), seconds=15, what="the pause has ended")


def test_an_overdue_build_overtakes_every_priority(
    kube: Kube, start_operator: StartOperator, manifest: Manifest, jobs_seen: JobRecorder
) -> None:
    """A build of the lowest priority that waited longer than PUBLISHBUILD_AGING_SECONDS starts before the highest."""
    operator = start_operator(max_concurrent=1, aging_seconds=3, resync_seconds=1)
    kube.apply(manifest("first", outcome="hold"), manifest("low", priority=-1000))
    kube.wait_phase("first", "Running")

    def uid(name: str) -> str:
        found: str = kube.build(name)["metadata"]["uid"]
        return found

    def is_overdue() -> bool:
        queue = operator.queue()
        return queue is not None and [build["uid"] for build in queue["waiting"]] == [uid("low"), uid("high")]

    kube.apply(manifest("high", priority=1000))
    until(is_overdue, seconds=20, what="the low one stands before the high one")
    kube.patch_spec("first", cancel=True)
    kube.wait_all_ended(3, seconds=30)
    assert jobs_seen.created == ["first", "low", "high"]


@pytest.fixture
def own_cluster() -> Iterator[Kube]:
    """A control plane of the test's own: an operator for all namespaces would take other tests' builds."""
    state = ROOT / ".cluster" / "wide"
    hack = [sys.executable, "-m", "hack.cluster"]

    def run(*command: str | Path) -> None:
        subprocess.run([*map(str, command)], cwd=ROOT, check=True, capture_output=True, timeout=300)

    run(*hack, "up", "--node", "none", "--state", state, *own_ports(1))
    made = Kube(state / "kubeconfig", KUBECTL, "shop")
    try:
        made.create_namespace()
        apply_crd(state / "kubeconfig")
        yield made
    finally:
        made.close()
        run(*hack, "down", "--state", state)


@pytest.mark.timers(15)
def test_an_operator_for_all_namespaces_watches_their_pauses(
    own_cluster: Kube, redis: RedisProcess, manifest: Manifest, tmp_path: Path
) -> None:
    """Without PUBLISHBUILD_WATCH_NAMESPACES a pause of any namespace, or of the operator's, is heard of at once."""
    kube = own_cluster
    operator = OperatorProcess(
        tmp_path / "operator.log", kubeconfig=kube.kubeconfig, redis_url=redis.url, namespace=""
    ).wait_ready()
    try:
        for paused in ("shop", "default"):
            kube.kubectl("annotate", "namespace", paused, f"{PAUSE}=true")
            kube.apply(manifest(paused))
            until(shows(kube, paused, "QueuePaused"), seconds=15, what="QueuePaused shown")
            assert f"of namespace {paused};" in condition(kube.build(paused), "Succeeded")["message"]
            kube.kubectl("annotate", "namespace", paused, f"{PAUSE}-")
            kube.wait_phase(paused, "Running")
    finally:
        operator.stop()
