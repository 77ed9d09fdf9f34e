"""What one namespace can take from the others: by Jobs of its own making, by many builds, by builds that never end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from publishbuild import names
from tests.support.fixtures import Manifest, StartOperator
from tests.support.kube import Kube, Object, condition, own_namespace
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

KEEP = "evil.example/keep"
LIMIT = 2


@pytest.fixture
def other(kube: Kube) -> Iterator[Kube]:
    """A second namespace."""
    with own_namespace(kube.kubeconfig) as made:
        yield made


def ghost(number: int) -> Object:
    """A Job as a tenant can make it: the operator's labels, the uid of no build, no pod, and nobody may collect it."""
    uid = f"{number:08x}-0bad-4c0d-8000-000000000000"
    name = names.job_name("ghost", uid)
    owner = {"apiVersion": names.API_VERSION, "kind": names.KIND, "name": "ghost", "uid": uid, "controller": True}
    labels = {names.LABEL_MANAGED_BY: names.OPERATOR_NAME, names.LABEL_BUILD: "ghost", names.LABEL_UID: uid}
    pod = {"restartPolicy": "Never", "containers": [{"name": names.RUNNER_CONTAINER, "image": "none"}]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": labels, "ownerReferences": [owner], "finalizers": [KEEP]},
        "spec": {"suspend": True, "template": {"spec": pod}},
    }


@pytest.fixture
def ghosts(other: Kube) -> Iterator[Kube]:
    """The second namespace, full of Jobs that claim builds that never were."""
    other.kubectl_apply(*[ghost(number) for number in range(3 * LIMIT)])
    yield other
    for job in other.jobs():
        other.kubectl(
            "patch", f"job/{job['metadata']['name']}", "--type=merge", "-p", '{"metadata":{"finalizers":null}}'
        )


@pytest.mark.parametrize("restarted", [False, True], ids=["seen by a watch", "found at a start"])
def test_ghost_jobs_hold_no_place(
    kube: Kube, ghosts: Kube, start_operator: StartOperator, manifest: Manifest, restarted: bool
) -> None:
    """Jobs of no build keep nobody else's builds from starting, and their own namespace is told what fills it."""
    watched = f"{kube.namespace},{ghosts.namespace}"
    operator = start_operator(max_concurrent=LIMIT, watch_namespaces=watched)
    if restarted:
        operator.stop()
        start_operator(max_concurrent=LIMIT, watch_namespaces=watched, log="again")
    kube.apply(*[manifest(f"good-{number}", outcome="hold") for number in range(LIMIT)])
    ghosts.apply(manifest("own"))
    for number in range(LIMIT):
        kube.wait_phase(f"good-{number}", "Running")

    def said() -> bool:
        shown = condition(ghosts.build("own"), "Succeeded")
        return shown.get("reason") == "NamespaceLimit" and "whose build is gone or never was" in shown["message"]

    until(said, seconds=30, what="the namespace is told of its ghosts")


@pytest.fixture
def three(kube: Kube) -> Iterator[list[Kube]]:
    """Three more namespaces."""
    with ExitStack() as stack:
        yield [stack.enter_context(own_namespace(kube.kubeconfig)) for _ in range(3)]


def test_sleepers_leave_places_for_the_first_builds_of_others(
    kube: Kube, three: list[Kube], start_operator: StartOperator, manifest: Manifest
) -> None:
    """Builds that never end fill seven of ten places; the first build of each of three others starts all the same.

    Also after a restart, and though every place of the flood's is taken and its builds have the highest priority.
    """
    watched = ",".join(each.namespace for each in (kube, *three))
    # A build that has ended makes the cluster one of two namespaces.
    settings: dict[str, Any] = {"max_concurrent": 10, "watch_namespaces": watched}
    operator = start_operator(**settings)
    three[0].apply(manifest("before"))
    three[0].wait_phase("before", "Succeeded")
    kube.apply(*[manifest(f"sleeper-{number:02d}", outcome="hold", priority=1000) for number in range(20)])

    def phases() -> Counter[str]:
        return Counter(build.get("status", {}).get("phase", "") for build in kube.all_builds())

    until(lambda: phases() == {"Running": 7, "Queued": 13}, seconds=60, what="seven run")
    operator.stop()
    start_operator(**settings, log="again")
    for other in three:
        other.apply(manifest("first", outcome="hold"), manifest("second"))
        other.wait_phase("first", "Running")
        assert other.build("second").get("status", {}).get("phase") != "Running"
    waits = next(build for build in kube.all_builds() if build["status"]["phase"] == "Queued")
    assert phases() == {"Running": 7, "Queued": 13}
    assert "PUBLISHBUILD_RESERVED_FOR_IDLE" in condition(waits, "Succeeded")["message"]


def test_one_namespace_alone_uses_every_place(kube: Kube, start_operator: StartOperator, manifest: Manifest) -> None:
    """Where no other namespace has had a build, nothing is kept for any."""
    start_operator(max_concurrent=10)
    kube.apply(*[manifest(f"b-{number:02d}", outcome="hold") for number in range(10)])
    for number in range(10):
        kube.wait_phase(f"b-{number:02d}", "Running")
