"""The first seconds of a leader: the Lease before the list, the first launches before kopf, and nothing is missed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.api_proxy import ApiProxy
from tests.support.fixtures import Manifest, StartOperator
from tests.support.kube import JobRecorder, Kube
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]


def test_what_happens_before_kopf_has_listed_counts(
    proxy: ApiProxy,
    kube: Kube,
    start_operator: StartOperator,
    manifest: Manifest,
    jobs_seen: JobRecorder,
    tmp_path: Path,
) -> None:
    """A build that is cancelled, held, deleted or made meanwhile is cancelled, held, never launched, or queued."""
    kube.apply(*[manifest(name, outcome="hold") for name in ("first", "cancelled", "held", "deleted")])
    proxy.hold(lambda request: request.headers.get("User-Agent", "").startswith("kopf/"))
    start_operator(max_concurrent=1, kubeconfig=proxy.kubeconfig(tmp_path / "proxied", kube.namespace))
    kube.wait_phase("first", "Running")
    kube.patch_spec("cancelled", cancel=True)
    kube.patch_spec("held", suspend=True)
    kube.delete_build("deleted")
    kube.apply(manifest("made"))
    kube.wait_phase("cancelled", "Cancelled")
    kube.wait_phase("held", "Suspended")
    kube.wait_phase("made", "Queued")
    proxy.release()
    kube.patch_spec("first", cancel=True)
    kube.wait_phase("made", "Succeeded")
    until(lambda: not any(pod["status"]["phase"] == "Running" for pod in kube.pods()), seconds=30, what="none runs")
    assert jobs_seen.of_build() == {"first": 1, "made": 1}


@pytest.mark.timers(10)
def test_who_cannot_list_leaves_the_lease_to_a_standby(
    proxy: ApiProxy, kube: Kube, start_operator: StartOperator, manifest: Manifest, tmp_path: Path
) -> None:
    """An operator that leads but gets no list gives the Lease back, and is the standby once it has one."""
    proxy.hold(lambda request: request.path.endswith("/jobs"))
    way = proxy.kubeconfig(tmp_path / "proxied", kube.namespace)
    blind = start_operator(wait=False, log="blind", kubeconfig=way)
    until(lambda: blind.events_logged("leads") == 1, seconds=30, what="it has taken the Lease")
    other = start_operator(log="other")
    kube.apply(manifest("app"))
    kube.wait_phase("app", "Succeeded", seconds=60)
    assert other.metric("publishbuild_leader") == 1
    proxy.release()
    blind.wait_ready(60)
    until(lambda: blind.events_logged("standby: another operator leads") == 1, seconds=30, what="it stands by")
    assert blind.metric("publishbuild_leader") == 0


@pytest.mark.timers(10)
def test_a_list_that_takes_long_is_no_loss_without_a_standby(
    proxy: ApiProxy, kube: Kube, start_operator: StartOperator, manifest: Manifest, tmp_path: Path
) -> None:
    """An operator alone gives the Lease back, goes on with its list, and leads with it where nobody else has led."""
    proxy.hold(lambda request: request.path.endswith("/jobs"))
    kube.apply(manifest("app"))
    alone = start_operator(wait=False, kubeconfig=proxy.kubeconfig(tmp_path / "proxied", kube.namespace))
    until(lambda: alone.events_logged("the first list takes long") == 1, seconds=30, what="it has waited long enough")
    proxy.release()
    kube.wait_phase("app", "Succeeded", seconds=60)
    assert alone.events_logged("leads again") == 1
    assert alone.metric("publishbuild_leader") == 1
