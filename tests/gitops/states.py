"""Brings one PublishBuild into each state of the contract's table, on the real operator, and keeps what it looks like.

A build has the name of its state. Builds that only stand in another's way are named ``other…``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from publishbuild.names import ANNOTATION_PAUSED
from tests.gitops.recordings import neutral
from tests.support.kube import Kube, Object, condition
from tests.support.manifests import a_manifest
from tests.support.operator_process import OperatorProcess
from tests.support.rig import Rig
from tests.support.waiting import until

REPORT = {
    "commit": "0123456789abcdef0123456789abcdef01234567",
    "builds": [{"platform": "ios", "id": "b-1", "status": "FINISHED", "logsURL": "https://expo.example/b-1"}],
    "submissions": [{"platform": "ios", "id": "s-1", "status": "FINISHED", "url": "https://expo.example/s-1"}],
}
ERRORED = {"failure": {"reason": "BuildErrored", "message": "EAS build b-1 ended ERRORED"}}
NO_JOBS = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "no-jobs"},
    "spec": {"hard": {"count/jobs.batch": "0"}},
}
_HELD_POD = [{"op": "add", "path": "/metadata/finalizers/-", "value": "publishbuild.dev/held-by-a-test"}]


def record() -> dict[str, Object]:
    """One build for each state. Takes about a minute, on the kwok cluster."""
    with Rig("states", namespaces=2) as rig:
        seen = _Seen(rig.kube)
        _before_the_operator(seen)
        operator = rig.operator(max_concurrent=2, max_concurrent_per_namespace=2)
        for scene in (_waiting, _behind_a_busy_key, _running, _failed, _ended):
            scene(seen)
        _crowded(seen, rig.kubes[1])
        _without_redis(seen, rig)
        _behind_the_operators_back(seen, operator)
        return seen.recorded


class _Seen:
    """What was recorded so far, in one namespace."""

    def __init__(self, kube: Kube) -> None:
        self.kube = kube
        self.recorded: dict[str, Object] = {}

    def start(self, state: str, **fields: Any) -> None:
        self.kube.apply(a_manifest(state, **fields))

    def keep(self, state: str, reason: str, *, holds: Callable[[Object], bool] = lambda _: True) -> None:
        """Record the build of that name once ``Succeeded`` has the reason, and ``holds`` is true of it."""

        def look() -> Object | None:
            build = self.kube.build(state)
            return build if condition(build, "Succeeded").get("reason") == reason and holds(build) else None

        self.recorded[state] = neutral(until(look, seconds=60, what=f"{state} shows {reason}"))

    def remove(self, *builds: str) -> None:
        self.kube.kubectl("delete", "pb", *builds, "--timeout=30s")


def _before_the_operator(seen: _Seen) -> None:
    seen.start("new", suspend=True)
    seen.recorded["new"] = neutral(seen.kube.build("new"))
    seen.remove("new")


def _waiting(seen: _Seen) -> None:
    seen.start("suspended", suspend=True)
    seen.keep("suspended", "Suspended")
    seen.kube.kubectl_apply(NO_JOBS)
    seen.start("queued")
    seen.keep("queued", "Queued")
    seen.remove("suspended", "queued")
    seen.kube.kubectl("delete", "quota", "no-jobs")


def _behind_a_busy_key(seen: _Seen) -> None:
    """What cannot start anyhow is not started before a pause is heard of."""
    seen.start("running", outcome="hold", concurrencyKey="app")
    seen.keep("running", "Running")
    seen.start("queued-concurrency-key-busy", concurrencyKey="app")
    seen.keep("queued-concurrency-key-busy", "ConcurrencyKeyBusy")
    seen.remove("queued-concurrency-key-busy")
    seen.start("failed-queue-timeout", concurrencyKey="app", queueTimeoutSeconds=1)
    seen.keep("failed-queue-timeout", "QueueTimeout")
    seen.start("queue-paused", concurrencyKey="app")
    seen.kube.kubectl("annotate", "namespace", seen.kube.namespace, f"{ANNOTATION_PAUSED}=true")
    seen.keep("queue-paused", "QueuePaused")
    seen.remove("queue-paused", "running")
    seen.kube.kubectl("annotate", "namespace", seen.kube.namespace, f"{ANNOTATION_PAUSED}-")


def _running(seen: _Seen) -> None:
    seen.start("running-without-image", outcome="pending")
    seen.keep(
        "running-without-image",
        "Running",
        holds=lambda build: "ImagePullBackOff" in condition(build, "Succeeded")["message"],
    )
    seen.start("retrying", outcome="fail", backoffLimit=3)
    seen.keep("retrying", "Retrying")
    seen.remove("running-without-image", "retrying")
    _cancelling(seen)


def _cancelling(seen: _Seen) -> None:
    seen.start("cancelling", outcome="hold")
    seen.keep("cancelling", "Running")
    [pod] = until(lambda: seen.kube.pods_of("cancelling"), seconds=30, what="the pod is there")
    # A pod that takes its time to go, as a real one does.
    name = pod["metadata"]["name"]
    seen.kube.kubectl("patch", "pod", name, "--type=json", "-p", json.dumps(_HELD_POD))
    seen.kube.patch_spec("cancelling", cancel=True)
    seen.keep("cancelling", "Cancelling")
    seen.kube.kubectl("patch", "pod", name, "--type=merge", "-p", '{"metadata": {"finalizers": null}}')
    seen.kube.wait_phase("cancelling", "Cancelled")
    seen.remove("cancelling")


def _failed(seen: _Seen) -> None:
    seen.start("failed-all-attempts", outcome="fail", backoffLimit=0)
    seen.start("failed-deadline", outcome="hold", runTimeoutSeconds=1)
    seen.keep("failed-all-attempts", "BackoffLimitExceeded")
    seen.keep("failed-deadline", "DeadlineExceeded")
    seen.start("failed-without-retry", outcome="fail", pod={"exit-code": 64, "message": json.dumps(ERRORED)})
    seen.keep("failed-without-retry", "PodFailurePolicy")
    invalid: Object = {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {}}}}
    seen.start("failed-invalid-spec", runner=invalid)
    seen.keep("failed-invalid-spec", "InvalidSpec")
    seen.start("failed-job-deleted", outcome="hold")
    job = seen.kube.wait_phase("failed-job-deleted", "Running")["status"]["job"]["name"]
    seen.kube.kubectl("delete", "job", job, "--wait=false")
    seen.keep("failed-job-deleted", "JobDeleted")


def _ended(seen: _Seen) -> None:
    seen.start("succeeded", pod={"message": json.dumps(REPORT)})
    seen.keep("succeeded", "Succeeded")
    seen.start("cancelled", outcome="hold")
    seen.kube.wait_phase("cancelled", "Running")
    seen.kube.patch_spec("cancelled", cancel=True)
    seen.keep("cancelled", "Cancelled")


def _crowded(seen: _Seen, elsewhere: Kube) -> None:
    """Two places in all: two builds of one namespace fill its own limit too, one of each namespace do not."""
    seen.kube.apply(a_manifest("other-1", outcome="hold"), a_manifest("other-2", outcome="hold"))
    for name in ("other-1", "other-2"):
        seen.kube.wait_phase(name, "Running")
    seen.start("queued-namespace-limit")
    seen.keep("queued-namespace-limit", "NamespaceLimit")
    seen.remove("queued-namespace-limit", "other-2")
    elsewhere.apply(a_manifest("other-2", outcome="hold"))
    elsewhere.wait_phase("other-2", "Running")
    seen.start("queued-global-limit")
    seen.keep("queued-global-limit", "GlobalLimit")
    seen.remove("queued-global-limit", "other-1")
    elsewhere.delete_build("other-2")


def _without_redis(seen: _Seen, rig: Rig) -> None:
    rig.redis.stop()
    seen.start("queued-redis-unavailable")
    seen.keep("queued-redis-unavailable", "RedisUnavailable")
    rig.redis.start()


def _behind_the_operators_back(seen: _Seen, operator: OperatorProcess) -> None:
    seen.start("succeeded-changed-unseen", pod={"message": json.dumps(REPORT)})
    seen.start("resumed-unseen", suspend=True)
    seen.keep("succeeded-changed-unseen", "Succeeded")
    seen.keep("resumed-unseen", "Suspended")
    operator.stop()
    seen.kube.patch_spec("succeeded-changed-unseen", ttlSecondsAfterFinished=60)
    seen.kube.patch_spec("resumed-unseen", suspend=False)
    seen.keep("succeeded-changed-unseen", "Succeeded")
    seen.keep("resumed-unseen", "Suspended")
