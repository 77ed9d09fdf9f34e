"""Three hostile namespaces at once, beside three good ones, with the chart's defaults on a real node."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from hack.demo.helm import IMAGES, Helm
from hack.demo.images import LOCAL
from publishbuild import names
from tests.bench.words import UNITS
from tests.e2e.chart_release import OPERATOR, RELEASE, SECONDS, a_build
from tests.e2e.conftest import STATE
from tests.support.kube import Kube, Object
from tests.support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

FLOOD = (Path(__file__).parent / "flood_from_a_pod.py").read_text()
WORDS, GHOSTS, SLEEPERS = "evil-words", "evil-ghosts", "evil-sleepers"
GOOD = ("good-1", "good-2", "good-3")
SLOTS = 10
WAITING = 2_000
# The reported text, and its kin. A termination message holds 4 KiB.
SAY = "import sys; open('/dev/termination-log', 'w').write((sys.argv[1] * 4096)[:4096]); sys.exit(1)"


@pytest.fixture
def tenants(helm: Helm) -> Iterator[dict[str, Kube]]:
    """Each namespace by its name; they go at the end."""
    assert helm.kubectl.kubeconfig is not None
    made = {name: Kube(helm.kubectl.kubeconfig, STATE / "bin" / "kubectl", name) for name in _NAMES}
    helm.kubectl("delete", "namespace", *_NAMES, "--ignore-not-found", "--timeout=120s")
    for kube in made.values():
        kube.create_namespace()
    yield made
    made[GOOD[0]].kubectl("delete", "namespace", *_NAMES, "--timeout=120s")
    for kube in made.values():
        kube.close()


_NAMES = (WORDS, GHOSTS, SLEEPERS, *GOOD)


def speak(kube: Kube) -> None:
    """Builds whose pods leave behind the worst words that are known."""
    kube.apply(
        *[
            a_build(f"words-{n}", runner={"command": ["python", "-c", SAY, unit]}, backoffLimit=0)
            for n, unit in enumerate(UNITS)
        ]
    )


def haunt(kube: Kube) -> None:
    """Suspended Jobs that look like those of builds which do not exist; the chart's policy may refuse them."""
    for n in range(SLOTS):
        uid = f"00000000-0000-4000-8000-{n:012d}"
        labels = {names.LABEL_MANAGED_BY: names.OPERATOR_NAME, names.LABEL_BUILD: f"ghost-{n}", names.LABEL_UID: uid}
        owner = {"apiVersion": names.API_VERSION, "kind": names.KIND, "name": f"ghost-{n}", "uid": uid}
        container = {"name": "ghost", "image": LOCAL.runner, "command": ["true"]}
        kube.kubectl_apply(
            {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "metadata": {
                    "name": f"pb-ghost-{n}",
                    "labels": labels,
                    "ownerReferences": [owner],
                    "finalizers": ["ghosts.example/stay"],
                },
                "spec": {
                    "suspend": True,
                    "template": {"spec": {"restartPolicy": "Never", "containers": [container]}},
                },
            },
            check=False,
        )


def exorcise(kube: Kube) -> None:
    """Let the ghosts go, which their finalizer keeps."""
    for job in kube.jobs():
        patch = '{"metadata": {"finalizers": null}}'
        kube.kubectl("patch", "job", job["metadata"]["name"], "--type=merge", "-p", patch, check=False)


def sleep_and_crowd(kube: Kube) -> None:
    """As many builds as there are slots, which never end, and a crowd of urgent ones behind them."""
    kube.apply(*[a_build(f"sleeps-{n}", "trap exit TERM; sleep 100000 & wait") for n in range(SLOTS)])
    kube.apply(*[a_build(f"crowd-{n}", priority=1000) for n in range(WAITING)])


def flood(kube: Kube) -> None:
    """A pod without a credential that holds half-sent requests at Redis and at both ports of the operator."""
    operator = f"{RELEASE}.{OPERATOR}.svc"
    targets = [f"{RELEASE}-redis.{OPERATOR}.svc:6379=redis", f"{operator}:8081=http", f"{operator}:8080=http"]
    container = {
        "name": "flood",
        "image": LOCAL.runner,
        "command": ["python", "-c", FLOOD, *targets],
        "resources": {"limits": {"memory": "512Mi"}},
    }
    kube.kubectl_apply(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "flood"}, "spec": {"containers": [container]}}
    )
    until(lambda: "=http" in kube.kubectl("logs", "flood", check=False).stdout, seconds=60, what="the flood has begun")


def operator_state(helm: Helm) -> tuple[set[str], int]:
    """The operator's pods with their restarts, and how often the Lease has changed hands."""
    pods = helm.kubectl.get("pods", "-l", "app.kubernetes.io/component=operator")["items"]
    restarts = {
        f"{pod['metadata']['name']} {sum(status['restartCount'] for status in pod['status']['containerStatuses'])}"
        for pod in pods
    }
    lease = helm.kubectl.get("lease", names.OPERATOR_NAME)
    return restarts, int(lease["spec"]["leaseTransitions"])


def seconds_to_start(build: Object) -> float:
    """From entering the queue to launch, as its own status has it."""
    status = build["status"]
    entered, started = (
        datetime.fromisoformat(status["queue"]["enqueuedTime"]),
        datetime.fromisoformat(status["startTime"]),
    )
    return (started - entered).total_seconds()


def test_good_tenants_are_served_among_hostile_ones(helm: Helm, tenants: dict[str, Kube]) -> None:
    """Among hostile words, ghosts, sleepers, a crowd and floods, each good tenant's build starts and ends well."""
    helm.install(IMAGES, seconds=SECONDS)
    before = operator_state(helm)
    sleep_and_crowd(tenants[SLEEPERS])
    haunt(tenants[GHOSTS])
    speak(tenants[WORDS])
    flood(tenants[SLEEPERS])
    waited = {}
    try:
        for name in GOOD:
            tenants[name].apply(a_build("first"))
        for name in GOOD:
            build = tenants[name].wait_phase("first", "Succeeded", seconds=60)
            assert build["status"]["attempts"] == 1
            waited[name] = seconds_to_start(build)
        # Whoever speaks badly is read all the same.
        tenants[WORDS].wait_phase("words-0", "Failed", seconds=120)
        assert operator_state(helm) == before
    finally:
        exorcise(tenants[GHOSTS])
    # The table of docs/security.md is made from this.
    (STATE / "hostile-tenants.json").write_text(json.dumps(waited))
