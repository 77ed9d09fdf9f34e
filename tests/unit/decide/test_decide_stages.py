"""An attempt of three containers is read as one attempt, and the container that failed is named."""

from __future__ import annotations

from typing import Any

import pytest

from publishbuild.decide.attempts import attempts_so_far, failed_attempts, report_of
from publishbuild.decide.facts import JobFacts, PodFacts
from publishbuild.decide.job_outcome import failure, verdict
from publishbuild.decide.results import with_results
from publishbuild.models.status import PublishBuildStatus
from tests.builders import a_job, a_message, a_pod, a_stage

DONE = a_stage()
RUNS = a_stage(None)
WAITS = {"waiting": {"reason": "PodInitializing"}}
INSTALL_FAILED = a_message(failure=("InstallFailed", "npm ci ended with exit code 1"), log_tail="npm error 404")


def read(*, waiting: str | None = "PodInitializing", phase: str = "Pending", **fields: Any) -> PodFacts:
    return PodFacts.read(a_pod(waiting=waiting, phase=phase, **fields) if waiting else a_pod(phase=phase, **fields))


def words(pod: PodFacts) -> str:
    return verdict(JobFacts.read(a_job()), failed_attempts((), [pod]), (pod,)).message


@pytest.mark.parametrize(
    ("stages", "says", "containers"),
    [
        ({"source": RUNS, "dependencies": WAITS}, "attempt 1 runs: the source is fetched", ("source",)),
        (
            {"source": DONE, "dependencies": RUNS},
            "attempt 1 runs: the app's dependencies are installed",
            ("source", "dependencies"),
        ),
        ({"source": DONE, "dependencies": DONE}, "attempt 1 runs", ("source", "dependencies", "runner")),
    ],
)
def test_a_stage_that_runs_is_told_and_ends_nothing(
    stages: dict[str, Any], says: str, containers: tuple[str, ...]
) -> None:
    """The attempt runs, is neither failed nor done however its stages have ended, and says what it is about."""
    pod = read(stages=stages)
    assert (pod.failed, pod.succeeded, pod.exit_code) == (False, False, None)
    assert words(pod) == says
    assert attempts_so_far(PublishBuildStatus(), (), [pod]) == 1
    assert pod.containers == containers


@pytest.mark.parametrize("code", [1, 64, 137])
@pytest.mark.parametrize("name", ["source", "dependencies"])
def test_a_stage_that_failed_is_named_with_its_code_and_its_last_lines(name: str, code: int) -> None:
    """Status and record name the container, its exit code, its own reason and its log's tail."""
    states = {"source": DONE, "dependencies": WAITS} | {name: a_stage(code, message=INSTALL_FAILED)}
    pod = read(stages=states, phase="Failed")
    recorded = failed_attempts((), [pod])
    job = JobFacts.read(a_job(failed="BackoffLimitExceeded"))
    made = failure(verdict(job, recorded, (pod,)), PublishBuildStatus(failed_attempts=recorded), (pod,))
    assert (made.container, made.exit_code, made.reason, made.pod) == (name, code, "InstallFailed", pod.name)
    assert made.log_tail == "npm error 404"
    assert (recorded[0].container, recorded[0].exit_code) == (name, code)
    assert pod.containers[-1] == name


@pytest.mark.parametrize(("name", "believed"), [("source", True), ("dependencies", False)])
def test_an_install_script_cannot_say_what_was_built(name: str, believed: bool) -> None:
    """It can write into its container's termination log: a commit and builds from there are in no status."""
    forged = a_message(failure=("X", "y"), commit="f" * 40, ids="forged" if name == "dependencies" else "")
    states = {"source": DONE, "dependencies": WAITS} | {name: a_stage(1, message=forged)}
    status = with_results(PublishBuildStatus(), (read(stages=states, phase="Failed"),), job_runs=True)
    assert (status.source is not None) is believed
    assert status.builds == ()
    assert status.submissions == ()


def test_a_stage_without_a_report_is_named_in_words() -> None:
    """A container that was killed says so in Kubernetes's words, and which one it was."""
    pod = read(stages={"source": DONE, "dependencies": a_stage(137)}, phase="Failed")
    (attempt,) = failed_attempts((), [pod])
    assert attempt.message == "the container dependencies ended with exit code 137"


def test_a_record_alone_names_the_container() -> None:
    """Where the pod is gone the status names the container that the record has."""
    recorded = failed_attempts((), [read(stages={"source": a_stage(64, message=INSTALL_FAILED)}, phase="Failed")])
    job = JobFacts.read(a_job(failed="PodFailurePolicy"))
    made = failure(verdict(job, recorded, ()), PublishBuildStatus(failed_attempts=recorded), ())
    assert (made.container, made.exit_code) == ("source", 64)


def test_an_image_that_no_stage_can_pull_is_told() -> None:
    """The first container that waits says why the pod cannot start."""
    pod = read(stages={"source": a_stage(waiting="ErrImagePull"), "dependencies": WAITS})
    assert "the pod cannot start, ImagePullBackOff" in words(pod)


def test_the_runner_speaks_once_it_has_begun() -> None:
    """Its end counts, whatever a kubelet that came back says of the stages before it."""
    lost = {"source": RUNS, "dependencies": WAITS}
    assert read(stages=lost, waiting=None, phase="Succeeded", exit_code=0).succeeded
    assert read(stages=lost, waiting=None, phase="Running").container == "runner"


def test_a_failed_stage_speaks_also_where_the_kubelet_gave_the_runner_up() -> None:
    """A container that never ran may be given an exit code of its own: that is not why the attempt failed."""
    failed = {"source": a_stage(64, message=INSTALL_FAILED), "dependencies": WAITS}
    pod = read(stages=failed, waiting=None, phase="Failed", exit_code=137, reason="ContainerStatusUnknown")
    assert (pod.container, pod.exit_code) == ("source", 64)
    report = report_of(pod)
    assert report is not None
    assert report.failure is not None


def test_containers_that_others_inject_say_nothing() -> None:
    """A failed or running init container of a mesh is not one of ours."""
    pod = read(stages={"istio-init": a_stage(1), "proxy": RUNS}, waiting=None, phase="Running")
    assert (pod.container, pod.failed) == ("runner", False)


def test_a_pod_of_before_the_stages_is_heard_as_ever() -> None:
    """A build that runs through an upgrade has one container, and its report counts."""
    pod = PodFacts.read(a_pod(exit_code=64, message=INSTALL_FAILED))
    assert (pod.container, pod.exit_code, pod.containers) == ("runner", 64, ("runner",))
    (attempt,) = failed_attempts((), [pod])
    assert (attempt.container, attempt.reason) == ("runner", "InstallFailed")
