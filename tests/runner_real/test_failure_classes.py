"""Each failure class, produced by the real eas-cli or git: its reason, and whether another pod is worth it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from publishbuild.names import EXIT_GIVE_UP, EXIT_RETRY
from tests.runner_real.attempts import STAGES, Standins, environment_for, run_attempt
from tests.standins.git_server import EXAMPLE_APP

pytestmark = pytest.mark.integration

CREATE = "CreateAndroidBuildMutation"
AT_ONCE = dict.fromkeys(STAGES, 0)  # nothing has to be polled for
VERSION_USED = "The bundle version must be higher than the previously uploaded version (ENTITY_ERROR 90189)"


@dataclass(frozen=True)
class Case:
    """What goes wrong, and what must come of it. ``paid``: builds and submissions that were asked for."""

    reason: str
    exit_code: int
    says: str
    fault: dict[str, Any] | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    repository: str = "example-app.git"
    paid: tuple[int, int] = (0, 0)


def _error(operation: str, message: str, code: str) -> dict[str, Any]:
    return {"operation": operation, "kind": "error", "message": message, "code": code}


NOT_WORTH_ONE = [
    Case("InvalidCredentials", EXIT_GIVE_UP, "bearer token", environment={"EXPO_TOKEN": "invalid"}),
    Case("InvalidCredentials", EXIT_GIVE_UP, "EXPO_TOKEN", environment={"EXPO_TOKEN": ""}),
    Case(
        "PermissionDenied",
        EXIT_GIVE_UP,
        "required permissions",
        fault=_error("AppByIdQuery", "Entity not authorized: AppEntity[1]", "UNAUTHORIZED_ERROR"),
    ),
    Case("InvalidConfiguration", EXIT_GIVE_UP, "no-such", environment={"PUBLISHBUILD_PROFILE": "no-such"}),
    Case("InvalidConfiguration", EXIT_GIVE_UP, "channle", repository="misspelt"),
    Case("SourceNotFound", EXIT_GIVE_UP, "not found", repository="nowhere.git"),
    Case("SourceAuthFailed", EXIT_GIVE_UP, "could not read Username", repository="private/example-app.git"),
    Case("SourceRevisionNotFound", EXIT_GIVE_UP, "nope", environment={"PUBLISHBUILD_SOURCE_REVISION": "nope"}),
    Case("SourceCertificateInvalid", EXIT_GIVE_UP, "certificate", environment={"GIT_SSL_CAINFO": "/dev/null"}),
    Case(
        "BuildErrored",
        EXIT_GIVE_UP,
        "EAS_BUILD_UNKNOWN_GRADLE_ERROR",
        settings={"nextOutcomes": ["ERRORED"]},
        paid=(1, 0),
    ),
    Case(
        "SubmissionErrored",
        EXIT_GIVE_UP,
        "SUBMISSION_SERVICE_UNKNOWN_ERROR",
        settings={"nextSubmissionOutcomes": ["ERRORED", "ERRORED"]},
        paid=(1, 2),  # the second is EAS's own retry of the first
    ),
    Case(
        "VersionAlreadyUsed",
        EXIT_GIVE_UP,
        "90189",
        settings={"nextSubmissionOutcomes": ["ERRORED"], "submissionError": {"message": VERSION_USED}},
        paid=(1, 1),
    ),
    Case(
        "QuotaExceeded",
        EXIT_GIVE_UP,
        "free plan",
        fault=_error(
            CREATE, "This account has used its Android builds from the free plan", "EAS_BUILD_FREE_TIER_LIMIT_EXCEEDED"
        ),
    ),
]
WORTH_ONE = [
    Case("ServiceUnavailable", EXIT_RETRY, "Bad Gateway", fault={"operation": CREATE, "kind": "status"}),
    Case("NetworkError", EXIT_RETRY, "hang up", fault={"operation": CREATE, "kind": "drop"}),
    Case("UploadFailed", EXIT_RETRY, "project tarball", fault={"operation": "upload", "kind": "status", "status": 500}),
]


@pytest.mark.parametrize("case", [*NOT_WORTH_ONE, *WORTH_ONE], ids=lambda case: f"{case.reason}: {case.says}")
def test_a_failure_lands_as_its_reason(standins: Standins, eas_cli: Path, tmp_path: Path, case: Case) -> None:
    """The reason, the exit code that decides over another pod, and the words of whoever failed."""
    standins.post("settings", {"stages": AT_ONCE, **case.settings})
    standins.fail(*([case.fault] if case.fault else []))
    url = f"https://localhost:{standins.https_port}/{case.repository}"
    if case.repository == "misspelt":
        url = _misspelt_repository(tmp_path / "misspelt")
    given = {"PUBLISHBUILD_PLATFORM": "android", "PUBLISHBUILD_SOURCE_URL": url, **case.environment}
    ended = run_attempt(environment_for(standins, eas_cli, tmp_path, "uid-failure", **given), tmp_path)
    assert (ended.reason, ended.exit_code) == (case.reason, case.exit_code), ended.output
    assert ended.result.failure is not None
    assert case.says in ended.result.failure.message
    assert ended.result.log_tail
    assert "None" not in ended.result.log_tail
    assert standins.paid() == case.paid


def _misspelt_repository(folder: Path) -> str:
    """The example app with a key in eas.json that only eas-cli knows to be wrong."""
    folder.mkdir()
    for file in EXAMPLE_APP.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    config = (folder / "eas.json").read_text().replace('"production": {', '"production": {"channle": "x",', 1)
    (folder / "eas.json").write_text(config)
    who = ("-c", "user.name=t", "-c", "user.email=t@example.invalid")
    for command in (("init", "-q", "-b", "main"), ("add", "."), (*who, "commit", "-q", "-m", "one")):
        subprocess.run(("git", *command), cwd=folder, check=True)
    return folder.as_uri()
