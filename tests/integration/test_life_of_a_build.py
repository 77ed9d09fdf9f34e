"""One build at a time, from ``kubectl apply`` to its end, on a real API server with the real Job controller."""

from __future__ import annotations

import json

import pytest

from tests.support.fixtures import Manifest, StartOperator
from tests.support.kube import Kube, condition
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

RESULT = json.dumps(
    {
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "builds": [
            {
                "platform": "ios",
                "id": "b-1",
                "status": "FINISHED",
                "logsURL": "https://expo.dev/b-1",
                "appVersion": "1.2.3",
            }
        ],
        "submissions": [{"platform": "ios", "id": "s-1", "status": "FINISHED", "url": "https://expo.dev/s-1"}],
    },
    separators=(",", ":"),
)


def test_a_build_is_queued_launched_and_reported(kube: Kube, start_operator: StartOperator, manifest: Manifest) -> None:
    """An applied build runs as one Job and its status tells commit, builds and submissions of the runner's report."""
    start_operator()
    kube.kubectl_apply(manifest("app", pod={"message": RESULT}))
    kube.kubectl("wait", "--for=condition=Succeeded", "pb/app", "--timeout=30s")
    status = kube.build("app")["status"]
    assert status["phase"] == "Succeeded"
    assert status["attempts"] == 1
    assert status["source"]["commit"].startswith("0123456789abcdef")
    assert status["builds"][0]["logsURL"] == "https://expo.dev/b-1"
    assert status["submissions"] == [
        {"platform": "ios", "id": "s-1", "status": "FINISHED", "url": "https://expo.dev/s-1"}
    ]
    assert status["job"]["name"] in {job["metadata"]["name"] for job in kube.jobs()}
    assert {kind: condition(kube.build("app"), kind).get("status") for kind in ("Succeeded", "Ready", "Stalled")} == {
        "Succeeded": "True",
        "Ready": "True",
        "Stalled": None,
    }


@pytest.mark.timers(70)
def test_a_failing_build_is_retried_three_times_then_fails(
    kube: Kube, start_operator: StartOperator, manifest: Manifest
) -> None:
    """With backoffLimit 3 four pods are tried, each failure is recorded, and the build ends as Failed."""
    start_operator()
    kube.apply(manifest("app", outcome="fail", pod={"exit-code": 1}))
    status = kube.wait_phase("app", "Failed", seconds=180)["status"]
    assert [attempt["number"] for attempt in status["failedAttempts"]] == [1, 2, 3, 4]
    assert {attempt["exitCode"] for attempt in status["failedAttempts"]} == {1}
    assert status["attempts"] == 4
    assert condition(kube.build("app"), "Succeeded")["reason"] == "BackoffLimitExceeded"
    assert condition(kube.build("app"), "Stalled")["status"] == "True"
    assert len(kube.jobs()) == 1


def test_exit_code_64_is_not_retried(kube: Kube, start_operator: StartOperator, manifest: Manifest) -> None:
    """A failure that is not worth a retry ends after one pod, with the runner's own reason."""
    report = {"failure": {"reason": "BuildErrored", "message": "EAS build b-1 ended ERRORED"}}
    start_operator()
    kube.apply(manifest("app", outcome="fail", pod={"exit-code": 64, "message": json.dumps(report)}))
    status = kube.wait_phase("app", "Failed")["status"]
    assert len(status["failedAttempts"]) == 1
    assert status["failure"]["reason"] == "BuildErrored"
    assert status["failure"]["exitCode"] == 64
    assert condition(kube.build("app"), "Succeeded")["reason"] == "PodFailurePolicy"


def test_a_pod_that_cannot_start_says_why(kube: Kube, start_operator: StartOperator, manifest: Manifest) -> None:
    """A running build whose pod waits for its image says so in the condition's message."""
    start_operator()
    kube.apply(manifest("app", outcome="pending"))

    def said() -> bool:
        return "ImagePullBackOff" in condition(kube.build("app"), "Succeeded").get("message", "")

    until(said, seconds=20, what="ImagePullBackOff in the message")
    assert kube.build("app")["status"]["phase"] == "Running"


def test_events_tell_the_story_once(kube: Kube, start_operator: StartOperator, manifest: Manifest) -> None:
    """A successful build has exactly the Events Queued, Started and Succeeded."""
    start_operator()
    kube.apply(manifest("app"))
    kube.wait_phase("app", "Succeeded")

    def reasons() -> list[str]:
        listed = json.loads(kube.kubectl("get", "events.events.k8s.io", "-o", "json").stdout)["items"]
        return sorted(item["reason"] for item in listed if item["regarding"]["kind"] == "PublishBuild")

    until(lambda: reasons() == ["Queued", "Started", "Succeeded"], seconds=10, what="three events")


def test_nothing_of_the_operator_is_left_on_the_resource(
    kube: Kube, start_operator: StartOperator, manifest: Manifest
) -> None:
    """A build has no finalizer and no annotation but the user's, so nothing can hang and GitOps sees no drift."""
    start_operator()
    kube.kubectl_apply(manifest("app"))
    metadata = kube.wait_phase("app", "Succeeded")["metadata"]
    assert "finalizers" not in metadata
    assert set(metadata.get("annotations", {})) <= {"kubectl.kubernetes.io/last-applied-configuration"}


def test_the_ttl_starts_once_the_end_is_on_record(
    kube: Kube, start_operator: StartOperator, manifest: Manifest
) -> None:
    """A Job gets its ttlSecondsAfterFinished after the terminal status is written, and the build outlives it."""
    start_operator()
    kube.apply(manifest("app", ttlSecondsAfterFinished=0))
    kube.wait_phase("app", "Succeeded")
    until(lambda: not kube.jobs(), seconds=20, what="the Job is gone")
    assert kube.build("app")["status"]["phase"] == "Succeeded"


def test_write_budget_of_a_successful_build(kube: Kube, start_operator: StartOperator, manifest: Manifest) -> None:
    """A build that gets its place at once costs at most four writes and three events."""
    operator = start_operator()
    kube.apply(manifest("app"))
    kube.wait_phase("app", "Succeeded")
    counted = 'publishbuild_api_requests_total{code="%s",resource="%s",verb="%s"}'
    until(lambda: operator.metric(counted % (200, "jobs", "patch")) == 1, seconds=10, what="the Job's ttl is set")
    writes = sum(
        operator.metric(counted % written)
        for written in ((201, "jobs", "post"), (200, "publishbuilds/status", "put"), (200, "jobs", "patch"))
    )
    assert writes <= 4
    assert operator.metric(counted % (201, "events", "post")) <= 3


def test_progress_shows_while_the_build_runs(kube: Kube, start_operator: StartOperator, manifest: Manifest) -> None:
    """A pod's report to its callback URL is in the status and in `kubectl describe` before the attempt ends."""
    operator = start_operator()
    kube.apply(manifest("app", outcome="hold"))
    kube.wait_phase("app", "Running")
    until(kube.pods, seconds=15, what="the pod is there")
    [pod] = kube.pods()
    uid = kube.build("app")["metadata"]["uid"]
    report = {
        "builds": [{"platform": "ios", "id": "b-7", "status": "IN_QUEUE", "logsURL": "https://expo.example/b-7"}],
        "message": "ios build b-7 is IN_QUEUE at EAS, position 3, about 5 min",
    }
    assert operator.call(uid, kube.pod_token(pod), json.dumps(report))[0] == 204
    until(lambda: kube.build("app")["status"].get("builds"), seconds=15, what="the EAS build in the status")
    shown = kube.kubectl("describe", "pb/app").stdout
    assert all(word in shown for word in ("b-7", "https://expo.example/b-7", "position 3, about 5 min"))
    kube.patch_spec("app", cancel=True)
    kube.wait_phase("app", "Cancelled")
