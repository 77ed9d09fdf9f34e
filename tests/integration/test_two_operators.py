"""Two operators, one leader: whatever happens to it, the other goes on, and no build gets a second Job."""

from __future__ import annotations

import pytest

from publishbuild.names import OPERATOR_NAME
from tests.support.fixtures import Manifest, StartOperator
from tests.support.kube import JobRecorder, Kube
from tests.support.operator_process import OperatorProcess
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

COUNT, LIMIT = 20, 3


@pytest.fixture
def leader(start_operator: StartOperator) -> OperatorProcess:
    """The one that came first."""
    process = start_operator(log="leader", max_concurrent=LIMIT)
    until(lambda: process.metric("publishbuild_leader") == 1, seconds=20, what="the first one leads")
    return process


@pytest.fixture
def standby(leader: OperatorProcess, start_operator: StartOperator) -> OperatorProcess:
    """The one that waits."""
    assert leader.is_running()
    process = start_operator(log="standby", max_concurrent=LIMIT)
    until(lambda: process.events_logged("standby") == 1, seconds=20, what="the second one is standby")
    return process


def under_load(kube: Kube, manifest: Manifest, jobs_seen: JobRecorder) -> None:
    """Twenty builds, and some of them launched."""
    kube.apply(*[manifest(f"b-{n:02d}", seconds=0.3, backoffLimit=0) for n in range(COUNT)])
    until(lambda: len(jobs_seen.uids) >= 4, seconds=60, what="the middle of the run")


def all_ended_once(kube: Kube, jobs_seen: JobRecorder) -> None:
    """What must hold after any of it."""
    builds = kube.wait_all_ended(COUNT, seconds=120)
    assert {build["status"]["phase"] for build in builds} == {"Succeeded"}
    assert jobs_seen.of_build() == {f"b-{n:02d}": 1 for n in range(COUNT)}
    assert jobs_seen.most_live <= LIMIT


def writes(operator: OperatorProcess) -> list[str]:
    """The metric lines of all requests that change something, the Lease's own left out."""
    lines = operator.get("/metrics")[1].splitlines()
    requests = [line for line in lines if line.startswith("publishbuild_api_requests_total")]
    return [line for line in requests if 'verb="get"' not in line and 'resource="leases"' not in line]


def test_the_standby_is_ready_and_writes_nothing(
    kube: Kube, leader: OperatorProcess, standby: OperatorProcess, manifest: Manifest
) -> None:
    """While the leader works, the standby answers /readyz, knows the builds and changes nothing, in Redis neither."""
    kube.apply(manifest("app"))
    kube.wait_phase("app", "Succeeded")
    assert standby.get("/readyz")[0] == 200
    assert standby.metric("publishbuild_leader") == 0
    # It waits for nothing to be in line, so an empty queue would be a lie as soon as something is.
    assert standby.get("/v1/queue")[0] == 503
    assert leader.queue() is not None
    assert writes(standby) == []
    assert writes(leader) != []
    assert leader.events_logged("the index in Redis is gone") == 0


@pytest.mark.timers(15)
def test_the_leader_is_killed_under_load(
    kube: Kube, leader: OperatorProcess, standby: OperatorProcess, manifest: Manifest, jobs_seen: JobRecorder
) -> None:
    """After kill -9 of the leader the standby takes over by itself, and all builds end with one Job each."""
    under_load(kube, manifest, jobs_seen)
    leader.kill()
    until(lambda: standby.metric("publishbuild_leader") == 1, seconds=15, what="the standby leads")
    all_ended_once(kube, jobs_seen)


def test_the_leader_is_told_to_stop_under_load(
    kube: Kube, leader: OperatorProcess, standby: OperatorProcess, manifest: Manifest, jobs_seen: JobRecorder
) -> None:
    """On SIGTERM the leader gives the lease back and ends with 0; the standby goes on without waiting for its end."""
    under_load(kube, manifest, jobs_seen)
    assert leader.terminate(seconds=10) == 0
    lease = ("lease", OPERATOR_NAME, "-o", "jsonpath={.spec.holderIdentity}")
    assert not kube.kubectl("get", *lease).stdout.endswith(f"_{leader.pid}"), "it has left the lease to its end"
    until(lambda: standby.metric("publishbuild_leader") == 1, seconds=15, what="the standby leads")
    all_ended_once(kube, jobs_seen)


@pytest.mark.timers(15)
def test_a_frozen_leader_stops_acting_when_it_wakes(
    kube: Kube, leader: OperatorProcess, standby: OperatorProcess, manifest: Manifest, jobs_seen: JobRecorder
) -> None:
    """A leader that was frozen beyond its lease writes nothing when it wakes, and ends with an error that says why."""
    under_load(kube, manifest, jobs_seen)
    leader.freeze()
    until(lambda: standby.metric("publishbuild_leader") == 1, seconds=15, what="the standby leads")
    leader.thaw()
    assert leader.wait_ended(15) == 1
    assert "stops acting" in leader.tail()
    all_ended_once(kube, jobs_seen)


def test_a_standby_can_be_stopped(leader: OperatorProcess, standby: OperatorProcess) -> None:
    """SIGTERM ends a standby with 0 at once and changes nothing for the leader."""
    assert standby.terminate(seconds=10) == 0
    assert leader.metric("publishbuild_leader") == 1
