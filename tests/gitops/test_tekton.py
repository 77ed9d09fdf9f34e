"""The Tekton Task at work: its shell step, the real kubectl, API server and operator."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.gitops.held import builds_held, lose_job, wait_running
from tests.gitops.programs import EXAMPLES
from tests.gitops.steps import REVISION, ended, tekton_step
from tests.support.rig import Rig

pytestmark = pytest.mark.integration

URL = "https://github.com/acme/app.git"


def test_the_task_publishes_once(rig: Rig, publisher: Path, tmp_path: Path) -> None:
    """The Task names the build by its revision, succeeds with it, and when run again finds it and builds nothing."""
    step = tekton_step(publisher, app="tekton", url=URL, revision=REVISION, platform="ios")
    for _ in range(2):
        code, output = step.run(tmp_path)
        assert (code, output.splitlines()[-1]) == (0, "tekton-9d3f0a8: Succeeded: published at attempt 1")
    spec = rig.kube.build("tekton-9d3f0a8")["spec"]
    assert spec["source"]["git"] == {"url": URL, "revision": REVISION, "path": "."}
    assert (spec["platform"], spec["concurrencyKey"]) == ("ios", "tekton")


def test_the_task_fails_with_the_build(rig: Rig, publisher: Path, tmp_path: Path) -> None:
    """A build that fails ends the Task at once, by its own exit code, with the reason as the last line."""
    with builds_held(rig.kube):
        step = tekton_step(publisher, app="tekton-fails", url=URL, revision=REVISION)
        with step.started(tmp_path) as process:
            lose_job(rig.kube, "tekton-fails-9d3f0a8")
            code, output = ended(process)
    assert code == 2
    assert output.splitlines()[-1].startswith("tekton-fails-9d3f0a8: JobDeleted: ")


def test_the_task_tells_a_cancelled_build_from_a_failed_one(rig: Rig, publisher: Path, tmp_path: Path) -> None:
    """A build that somebody cancels ends the Task with an exit code of its own."""
    with builds_held(rig.kube):
        step = tekton_step(publisher, app="tekton-cancelled", url=URL, revision=REVISION)
        with step.started(tmp_path) as process:
            wait_running(rig.kube, "tekton-cancelled-9d3f0a8")
            rig.kube.patch_spec("tekton-cancelled-9d3f0a8", cancel=True)
            code, output = ended(process)
    assert code == 3
    assert output.splitlines()[-1].startswith("tekton-cancelled-9d3f0a8: Cancelled: ")


def test_the_task_does_not_wait_for_ever(rig: Rig, publisher: Path, tmp_path: Path) -> None:
    """A build that has not ended in time fails the Task, and goes on."""
    with builds_held(rig.kube):
        step = tekton_step(publisher, app="tekton-late", url=URL, revision=REVISION, timeout="1s")
        code, output = step.run(tmp_path)
        assert code == 1
        assert "timed out waiting for the condition" in output
        rig.kube.wait_phase("tekton-late-9d3f0a8", "Running")
        rig.kube.delete_build("tekton-late-9d3f0a8")


def test_a_bad_parameter_fails_the_task(publisher: Path, tmp_path: Path) -> None:
    """What the API server refuses fails the Task with the API server's words."""
    code, output = tekton_step(publisher, app="bad", url=URL, revision=REVISION, platform="web").run(tmp_path)
    assert code == 1
    assert 'supported values: "ios", "android", "all"' in output


def test_the_pipeline_gives_what_the_task_asks_for() -> None:
    """The Pipeline names the Task, hands in each parameter that it needs and no other, and runs as the publisher."""
    task = yaml.safe_load((EXAMPLES / "tekton" / "task.yaml").read_text(encoding="utf-8"))
    pipeline, run = yaml.safe_load_all((EXAMPLES / "tekton" / "pipeline.yaml").read_text(encoding="utf-8"))
    [used] = pipeline["spec"]["tasks"]
    assert used["taskRef"]["name"] == task["metadata"]["name"]
    needed = {param["name"] for param in task["spec"]["params"] if "default" not in param}
    assert {param["name"] for param in used["params"]} == needed
    assert run["spec"]["pipelineRef"]["name"] == pipeline["metadata"]["name"]
    assert {param["name"] for param in run["spec"]["params"]} == {param["name"] for param in pipeline["spec"]["params"]}
    account = next(yaml.safe_load_all((EXAMPLES / "publisher.yaml").read_text(encoding="utf-8")))
    assert run["spec"]["taskRunTemplate"]["serviceAccountName"] == account["metadata"]["name"]
