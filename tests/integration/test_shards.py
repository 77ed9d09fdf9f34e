"""Two operators with disjoint namespaces share a cluster: the way past what one leader can do."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.fixtures import Manifest, StartOperator
from tests.support.kube import JobRecorder, Kube
from tests.support.operator_process import OperatorProcess
from tests.support.rig import Rig
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

COUNT, LIMIT = 10, 2


@pytest.fixture
def other_rig() -> Iterator[Rig]:
    """Namespace, Redis and operators of the second shard."""
    with Rig("shard", names=[f"t-{uuid.uuid4().hex[:12]}"]) as rig:
        yield rig


def leads(operator: OperatorProcess) -> bool:
    return operator.metric("publishbuild_leader") == 1


def test_both_work_at_once_and_leave_each_other_alone(
    kube: Kube, start_operator: StartOperator, other_rig: Rig, manifest: Manifest, jobs_seen: JobRecorder
) -> None:
    """Each leads its own shard with limits of its own, launches its own builds once, and outlives the other."""
    other_kube = other_rig.kube
    operators = [start_operator(max_concurrent=LIMIT), other_rig.operator(max_concurrent=LIMIT)]
    until(lambda: all(leads(one) for one in operators), seconds=20, what="both lead")
    with ExitStack() as stack:
        seen = [jobs_seen, stack.enter_context(JobRecorder(other_kube))]
        for each in (kube, other_kube):
            each.apply(*[manifest(f"b-{n}", seconds=0.3) for n in range(COUNT)])
        for each, recorder in zip((kube, other_kube), seen, strict=True):
            builds = each.wait_all_ended(COUNT, seconds=120)
            assert {build["status"]["phase"] for build in builds} == {"Succeeded"}
            assert recorder.of_build() == {f"b-{n}": 1 for n in range(COUNT)}
            assert recorder.most_live <= LIMIT
    assert all(leads(one) for one in operators)
    operators[0].terminate()
    other_kube.apply(manifest("later"))
    other_kube.wait_phase("later", "Succeeded")
