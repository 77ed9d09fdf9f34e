"""What GitOps tools make of each state, told by their own libraries: kstatus, and gopher-lua under Argo CD's terms."""

from __future__ import annotations

from pathlib import Path

import pytest

from publishbuild.names import FailureReason, QueueReason
from tests.gitops import recordings
from tests.gitops.expected import EXPECTED
from tests.gitops.programs import health
from tests.support.kube import condition

pytestmark = pytest.mark.timeout(900)  # the first run builds the program

BUILDS = recordings.read()
# No Job of ours fails in a way that has no reason of its own: it is there for those that Kubernetes may add.
NEVER_SEEN = {FailureReason.JOB_FAILED}


def test_every_state_is_recorded() -> None:
    """Each row of the contract has a recording with its reason, and no reason that users may see is left out."""
    reasons = {state: condition(build, "Succeeded").get("reason", "") for state, build in BUILDS.items()}
    assert reasons == {state: expected.reason for state, expected in EXPECTED.items()}
    known = {*QueueReason, *FailureReason} - NEVER_SEEN - {QueueReason.WAITING}
    assert known <= set(reasons.values())


def test_kstatus_and_argo_cd_agree_with_the_contract() -> None:
    """Flux, Helm and Argo CD wait for what is under way, go on with what succeeded, and fail with what failed."""
    told = {found["name"]: (found["kstatus"], found["argocd"]["status"]) for found in health([*BUILDS.values()])}
    assert told == {state: (expected.kstatus, expected.argocd) for state, expected in EXPECTED.items()}


def test_argo_cd_shows_the_reason() -> None:
    """Whoever looks at a build in Argo CD reads its reason and message, unless the operator is yet to look at it."""
    for found in health([*BUILDS.values()]):
        said = condition(BUILDS[found["name"]], "Succeeded")
        unseen = found["name"] == "new" or found["name"].endswith("-unseen")
        wanted = "looked at" if unseen else f"{said['reason']}: {said['message']}"
        assert wanted in found["argocd"]["message"]


def test_every_end_has_a_time() -> None:
    """``kubectl wait --for=jsonpath='{.status.completionTime}'`` waits for either end, and for nothing less."""
    ended = {state for state, build in BUILDS.items() if "completionTime" in build["status"]}
    assert ended == {
        state for state, build in BUILDS.items() if condition(build, "Succeeded").get("status") in {"True", "False"}
    }


@pytest.mark.parametrize("script", ["return string.upper(obj.kind)", 'return { status = "Fine" }', "while true do end"])
def test_a_script_that_argo_cd_would_refuse_is_refused(script: str, tmp_path: Path) -> None:
    """The stand-in for Argo CD's surroundings is as strict: no string library, known statuses alone, one second."""
    (tmp_path / "health.lua").write_text(script)
    with pytest.raises(Exception, match="returned non-zero exit status 1"):
        health([BUILDS["running"]], tmp_path / "health.lua")
