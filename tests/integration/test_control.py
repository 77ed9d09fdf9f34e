"""What people do to builds: cancel, suspend, change priority, delete; and to their Jobs behind the operator's back."""

from __future__ import annotations

import pytest

from tests.support.fixtures import Manifest, StartOperator
from tests.support.kube import JobRecorder, Kube, condition
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]


def test_cancel_a_queued_build(kube: Kube, start_operator: StartOperator, manifest: Manifest) -> None:
    """A cancelled build that waits ends as Cancelled and never gets a Job."""
    start_operator(max_concurrent=1)
    kube.apply(manifest("first", outcome="hold"))
    kube.wait_phase("first", "Running")
    kube.apply(manifest("second"))
    kube.wait_phase("second", "Queued")
    kube.patch_spec("second", cancel=True)
    build = kube.wait_phase("second", "Cancelled")
    assert condition(build, "Succeeded")["reason"] == "Cancelled"
    assert condition(build, "Stalled")["status"] == "True"
    assert len(kube.jobs()) == 1


def test_cancel_a_running_build_frees_its_place(kube: Kube, start_operator: StartOperator, manifest: Manifest) -> None:
    """A cancelled build that runs loses its Job and pods, ends as Cancelled, and the next one starts."""
    start_operator(max_concurrent=1)
    kube.apply(manifest("first", outcome="hold"), manifest("second"))
    kube.wait_phase("first", "Running")
    kube.patch_spec("first", cancel=True)
    kube.wait_phase("first", "Cancelled")
    kube.wait_phase("second", "Succeeded")


def test_a_suspended_build_waits_until_resumed(kube: Kube, start_operator: StartOperator, manifest: Manifest) -> None:
    """spec.suspend holds a queued build, says so, and lets it go on when it is set back."""
    start_operator()
    kube.apply(manifest("app", suspend=True))
    build = kube.wait_phase("app", "Suspended")
    assert condition(build, "Succeeded")["reason"] == "Suspended"
    assert condition(build, "Reconciling")["status"] == "True"
    kube.patch_spec("app", suspend=False)
    kube.wait_phase("app", "Succeeded")


def test_a_raised_priority_overtakes(
    kube: Kube, start_operator: StartOperator, manifest: Manifest, jobs_seen: JobRecorder
) -> None:
    """A build whose priority is raised while it waits starts before older ones."""
    start_operator(max_concurrent=1)
    kube.apply(manifest("first", outcome="hold"))
    kube.wait_phase("first", "Running")
    kube.apply(manifest("second"), manifest("third"))
    kube.wait_phase("third", "Queued")
    kube.patch_spec("third", priority=100)
    until(lambda: kube.build("third")["status"]["queue"].get("position") == 1, seconds=15, what="third is next")
    kube.patch_spec("first", cancel=True)
    kube.wait_phase("second", "Succeeded")
    assert jobs_seen.created == ["first", "third", "second"]


def test_waiting_too_long_fails_the_build(kube: Kube, start_operator: StartOperator, manifest: Manifest) -> None:
    """queueTimeoutSeconds ends a build that waits longer as Failed with reason QueueTimeout."""
    start_operator(max_concurrent=1)
    kube.apply(manifest("first", outcome="hold"))
    kube.wait_phase("first", "Running")
    kube.apply(manifest("second", queueTimeoutSeconds=1))
    build = kube.wait_phase("second", "Failed")
    assert condition(build, "Succeeded")["reason"] == "QueueTimeout"


def test_running_too_long_fails_the_build(kube: Kube, start_operator: StartOperator, manifest: Manifest) -> None:
    """runTimeoutSeconds ends a build that runs longer as Failed with reason DeadlineExceeded."""
    start_operator()
    kube.apply(manifest("app", outcome="hold", runTimeoutSeconds=1))
    build = kube.wait_phase("app", "Failed")
    assert condition(build, "Succeeded")["reason"] == "DeadlineExceeded"


def test_a_job_deleted_by_hand_is_not_started_again(
    kube: Kube, start_operator: StartOperator, manifest: Manifest, jobs_seen: JobRecorder
) -> None:
    """Deleting the Job of a running build ends the build as JobDeleted: nobody knows what it did, so no second Job."""
    start_operator()
    kube.apply(manifest("app", outcome="hold"))
    job = kube.wait_phase("app", "Running")["status"]["job"]["name"]
    kube.kubectl("delete", "job", job, "--wait=false")
    build = kube.wait_phase("app", "Failed")
    assert condition(build, "Succeeded")["reason"] == "JobDeleted"
    assert jobs_seen.of_build() == {"app": 1}


def test_a_job_deleted_while_the_operator_is_down(
    kube: Kube, start_operator: StartOperator, manifest: Manifest, jobs_seen: JobRecorder
) -> None:
    """The same holds when the operator did not see it happen."""
    operator = start_operator()
    kube.apply(manifest("app", outcome="hold"))
    job = kube.wait_phase("app", "Running")["status"]["job"]["name"]
    operator.kill()
    kube.kubectl("delete", "job", job, "--cascade=foreground")
    start_operator()
    build = kube.wait_phase("app", "Failed")
    assert condition(build, "Succeeded")["reason"] == "JobDeleted"
    assert jobs_seen.of_build() == {"app": 1}


@pytest.mark.parametrize("phase", ["Queued", "Running", "Succeeded"])
def test_deleting_a_build_removes_all_of_it(
    kube: Kube, start_operator: StartOperator, manifest: Manifest, phase: str
) -> None:
    """A build deleted in any state is gone at once with its Job, and its place is free for the next one."""
    start_operator(max_concurrent=1)
    if phase == "Queued":
        kube.apply(manifest("first", outcome="hold"))
        kube.wait_phase("first", "Running")
    kube.apply(manifest("app", outcome="succeed" if phase == "Succeeded" else "hold"))
    kube.wait_phase("app", phase)
    kube.kubectl("delete", "pb", "app", "--timeout=10s")
    if phase == "Queued":
        kube.delete_build("first")
    kube.apply(manifest("next"))
    kube.wait_phase("next", "Succeeded")
    until(
        lambda: [job["metadata"]["labels"]["publishbuild.dev/build"] for job in kube.jobs()] == ["next"],
        seconds=20,
        what="only the next one's Job is left",
    )


def test_an_invalid_job_fails_its_build_alone(kube: Kube, start_operator: StartOperator, manifest: Manifest) -> None:
    """A runner that the API server refuses ends that build as InvalidSpec with its words; others go on."""
    start_operator()
    bad = manifest("bad")
    bad["spec"]["runner"]["affinity"] = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {}}}
    kube.apply(bad, manifest("good"))
    build = kube.wait_phase("bad", "Failed")
    assert condition(build, "Succeeded")["reason"] == "InvalidSpec"
    assert "nodeSelectorTerms" in condition(build, "Succeeded")["message"]
    kube.wait_phase("good", "Succeeded")


def test_a_newer_build_cancels_the_previous_ones(
    kube: Kube, start_operator: StartOperator, manifest: Manifest, jobs_seen: JobRecorder
) -> None:
    """With CancelPrevious a newer build stops the running and the queued one with its key, and no other."""
    start_operator()
    kube.apply(
        manifest("running", outcome="hold", concurrencyKey="app"),
        manifest("other", outcome="hold", concurrencyKey="else"),
    )
    kube.wait_phase("running", "Running")
    kube.apply(manifest("queued", concurrencyKey="app"))
    kube.wait_phase("queued", "Queued")
    kube.apply(manifest("newest", concurrencyKey="app", concurrencyPolicy="CancelPrevious"))
    for name in ("running", "queued"):
        build = kube.wait_phase(name, "Cancelled")
        assert "newer build newest" in condition(build, "Succeeded")["message"]
    kube.wait_phase("newest", "Succeeded")
    assert kube.build("other")["status"]["phase"] == "Running"
    assert jobs_seen.of_build() == {"running": 1, "other": 1, "newest": 1}


def test_one_build_per_concurrency_key(
    kube: Kube, start_operator: StartOperator, manifest: Manifest, jobs_seen: JobRecorder
) -> None:
    """Two builds with the same concurrencyKey never run at once; the second says that the key is busy."""
    start_operator()
    kube.apply(manifest("first", outcome="hold", concurrencyKey="app-1"))
    kube.wait_phase("first", "Running")
    kube.apply(manifest("second", concurrencyKey="app-1"), manifest("other", concurrencyKey="app-2"))
    kube.wait_phase("other", "Succeeded")
    build = kube.wait_phase("second", "Queued")
    assert condition(build, "Succeeded")["reason"] == "ConcurrencyKeyBusy"
    kube.patch_spec("first", cancel=True)
    kube.wait_phase("second", "Succeeded")
    assert jobs_seen.created == ["first", "other", "second"]
