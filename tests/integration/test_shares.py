"""What one namespace can take from the others: by Jobs of its own making, by many builds, by builds that never end."""

from __future__ import annotations

from collections.abc import Iterator

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
