"""The GitHub workflow at work: its shell steps, the real kubectl, API server and operator; and what actionlint says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gitops.held import builds_held, lose_job, wait_running
from tests.gitops.programs import EXAMPLES, conformance
from tests.gitops.steps import WorkflowRun, ended
from tests.support.rig import Rig

pytestmark = pytest.mark.integration


@pytest.fixture
def workflow(publisher: Path, tmp_path: Path, request: pytest.FixtureRequest) -> WorkflowRun:
    """A run of the workflow, for an app with the test's own name, that has reached the cluster."""
    app = request.node.name.removeprefix("test_").replace("_", "-")
    run = WorkflowRun(tmp_path, {"KUBECONFIG": publisher.read_text(encoding="utf-8")}, {"APP": app})
    assert run.step("Reach the cluster").run(tmp_path) == (0, "")
    return run


def test_the_workflow_publishes(workflow: WorkflowRun) -> None:
    """A successful build is a successful job, with its outcome in the summary; the kubeconfig is the owner's alone."""
    assert workflow.step("Ask for the build").run(workflow.folder)[0] == 0
    assert workflow.step("Wait for its end").run(workflow.folder)[0] == 0
    assert "Succeeded: published at attempt 1" in (workflow.folder / "summary").read_text(encoding="utf-8")
    assert (workflow.folder / "kubeconfig").stat().st_mode & 0o077 == 0


def test_the_workflow_fails_with_the_build(rig: Rig, workflow: WorkflowRun) -> None:
    """A failed build is a failed job that says why."""
    with builds_held(rig.kube):
        assert workflow.step("Ask for the build").run(workflow.folder)[0] == 0
        waits = workflow.step("Wait for its end")
        with waits.started(workflow.folder) as process:
            lose_job(rig.kube, waits.environment["NAME"])
            code, output = ended(process)
    assert code == 2
    assert f"{waits.environment['NAME']}: JobDeleted: " in output


def test_a_cancelled_workflow_cancels_the_build(rig: Rig, workflow: WorkflowRun) -> None:
    """Cancelling the run of the workflow stops the build, and only cancelling does."""
    with builds_held(rig.kube):
        assert workflow.step("Ask for the build").run(workflow.folder)[0] == 0
        waits, cancels = workflow.step("Wait for its end"), workflow.step("Cancel the build")
        assert cancels.when == "cancelled()"
        (workflow.folder / "cancel").mkdir()
        with waits.started(workflow.folder) as process:
            wait_running(rig.kube, waits.environment["NAME"])
            assert cancels.run(workflow.folder / "cancel")[0] == 0
            assert ended(process)[0] == 3


@pytest.mark.timeout(900)
def test_actionlint_finds_nothing() -> None:
    """The workflow is what GitHub takes, as far as actionlint knows; a mistake would be found."""
    workflow = EXAMPLES / "github-actions" / "publish.yaml"
    assert conformance("actions", workflow).stdout == ""


@pytest.mark.timeout(900)
def test_actionlint_would_find_a_mistake(tmp_path: Path) -> None:
    """A context that does not exist where it is used is found."""
    text = (EXAMPLES / "github-actions" / "publish.yaml").read_text(encoding="utf-8")
    (tmp_path / "publish.yaml").write_text(text.replace("github.sha", "github.shaa"), encoding="utf-8")
    done = conformance("actions", tmp_path / "publish.yaml", check=False)
    assert done.returncode == 1
    assert 'property "shaa" is not defined' in done.stdout
