"""Each failure class on the real node: its reason in the status, and as many pods as it is worth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.e2e.conftest import NAMESPACE, Publish
from tests.e2e.standin_eas import Eas
from tests.support.kube import Kube, condition

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(600)]

CREATE = "CreateAndroidBuildMutation"
VERSION_USED = "The bundle version must be higher than the previously uploaded version (ENTITY_ERROR 90189)"
ONE, FOUR = 1, 4


@dataclass(frozen=True)
class Case:
    """What goes wrong, and how many pods it is worth; ``repository`` on the stand-in git server."""

    reason: str
    pods: int
    fault: dict[str, Any] | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    spec: dict[str, Any] = field(default_factory=dict)
    repository: str | None = None


def _error(operation: str, message: str, code: str) -> dict[str, Any]:
    return {"operation": operation, "kind": "error", "message": message, "code": code}


CASES = [
    Case("InvalidCredentials", ONE, spec={"credentialsSecretRef": {"name": "wrong-token"}}),
    Case(
        "PermissionDenied",
        ONE,
        fault=_error("AppByIdQuery", "Entity not authorized: AppEntity[1]", "UNAUTHORIZED_ERROR"),
    ),
    Case("InvalidConfiguration", ONE, spec={"profile": "no-such"}),
    Case("SourceNotFound", ONE, repository="nowhere.git"),
    Case("SourceAuthFailed", ONE, repository="private/example-app.git"),
    Case("BuildErrored", ONE, settings={"nextOutcomes": ["ERRORED"]}),
    Case("SubmissionErrored", ONE, settings={"nextSubmissionOutcomes": ["ERRORED", "ERRORED"]}),
    Case(
        "VersionAlreadyUsed",
        ONE,
        settings={"nextSubmissionOutcomes": ["ERRORED"], "submissionError": {"message": VERSION_USED}},
    ),
    Case(
        "QuotaExceeded",
        ONE,
        fault=_error(
            CREATE, "This account has used its Android builds from the free plan", "EAS_BUILD_FREE_TIER_LIMIT_EXCEEDED"
        ),
    ),
    Case("ServiceUnavailable", FOUR, fault={"operation": CREATE, "kind": "status"}),
    Case("NetworkError", FOUR, fault={"operation": CREATE, "kind": "drop"}),
    Case("UploadFailed", FOUR, fault={"operation": "upload", "kind": "status", "status": 500}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_a_failure_is_worth_so_many_pods(kube: Kube, publish: Publish, eas: Eas, case: Case) -> None:
    """Not worth a retry is one pod and PodFailurePolicy; worth one is four pods and BackoffLimitExceeded."""
    eas.post("settings", {**case.settings, "faults": [case.fault] if case.fault else []})
    name = case.reason.lower()
    manifest = publish(name, platform="android", **case.spec)
    if case.repository:
        manifest["spec"]["source"]["git"]["url"] = f"https://standins.{NAMESPACE}.svc:8443/{case.repository}"
    kube.kubectl("create", "secret", "generic", "wrong-token", "--from-literal=EXPO_TOKEN=invalid")
    try:
        kube.kubectl_apply(manifest)
        build = kube.wait_phase(name, "Failed", "Succeeded", seconds=420)
    finally:
        eas.post("settings", {"faults": []})
        kube.kubectl("delete", "secret", "wrong-token")
    assert build["status"]["failure"]["reason"] == case.reason
    assert build["status"]["attempts"] == case.pods == len(build["status"]["failedAttempts"])
    wanted = "PodFailurePolicy" if case.pods == ONE else "BackoffLimitExceeded"
    assert condition(build, "Succeeded")["reason"] == wanted
