"""Which failures are worth another attempt, from what the programs really print."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishbuild.runner.failures import MESSAGE_CHARACTERS, classify_eas, classify_git

NOT_LOGGED_IN = (
    "An Expo user account is required to proceed.\nEither log in with eas login or set the EXPO_TOKEN "
    "environment variable if you're using EAS CLI on CI\n    Error: build command failed."
)
BAD_TOKEN = (
    "    Error: GraphQL request failed.\nYou don't have the required permissions to perform this operation.\n\n"
    "Run eas login to change the account.\n\nOriginal error message: The bearer token is invalid."
)

# Printed by eas-cli 24.8.0 (some shortened).
EAS = [
    (NOT_LOGGED_IN, "InvalidCredentials", False),
    (BAD_TOKEN, "InvalidCredentials", False),
    (
        "You don't have the required permissions to perform this operation.\n    Error: GraphQL request failed.",
        "PermissionDenied",
        False,
    ),
    (
        "We've encountered a transient error. Try again shortly.\n    Error: GraphQL request failed.",
        "ServiceUnavailable",
        True,
    ),
    (
        "[Network] request to http://127.0.0.1:3000/graphql failed, reason: connect ECONNREFUSED\nError: x",
        "NetworkError",
        True,
    ),
    ("reason: getaddrinfo ENOTFOUND api.expo.dev\n    Error: GraphQL request failed.", "NetworkError", True),
    ("[Network] Bad Gateway\n    Error: GraphQL request failed.", "ServiceUnavailable", True),
    ("EAS Build is down for maintenance. Try again later.", "ServiceUnavailable", True),
    (
        "You have already reached the maximum number of pending Android builds for your account. Try again later.",
        "TooManyPendingBuilds",
        True,
    ),
    ("Failed to upload the project tarball to EAS Build\n\nReason: socket closed", "UploadFailed", True),
    ("This account has used its Android builds from the Free plan this month.", "QuotaExceeded", False),
    ("    Error: --platform is required when building in non-interactive mode", "InvalidArguments", False),
    ("    Error: Nonexistent flag: --bogus\nSee more help with --help", "InvalidArguments", False),
    ("Input is required, but stdin is not readable. Failed to display prompt: Pick", "InteractiveSetupNeeded", False),
    (
        "Set ascAppId in the submit profile (eas.json) or re-run this command in interactive mode.",
        "SubmitProfileIncomplete",
        False,
    ),
    ("No lockfile found in the project directory.\nA lockfile is required", "InvalidConfiguration", False),
    ("Missing build profile in eas.json: nightly\n    Error: build command failed.", "InvalidConfiguration", False),
    ("ERROR ITMS-90189: Redundant Binary Upload.", "VersionAlreadyUsed", False),
    ("    Error: GraphQL request failed.", "EasCliFailed", True),
    ("", "EasCliFailed", True),
]

GIT = [
    ("fatal: could not read Username for 'https://h': terminal prompts disabled", "SourceAuthFailed", False),
    ("fatal: Authentication failed for 'https://h/r.git/'", "SourceAuthFailed", False),
    ("git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.", "SourceAuthFailed", False),
    ("Host key verification failed.\nfatal: Could not read from remote repository.", "SourceHostKeyUnknown", False),
    ("fatal: couldn't find remote ref nope", "SourceRevisionNotFound", False),
    ("fatal: Needed a single revision", "SourceRevisionNotFound", False),
    ("fatal: repository 'https://h/r.git/' not found", "SourceNotFound", False),
    ("fatal: '/no' does not appear to be a git repository", "SourceNotFound", False),
    ("fatal: unable to access 'https://h/': Could not resolve host: h", "NetworkError", True),
    ("ssh: connect to host h port 22: Connection refused", "NetworkError", True),
    ("server certificate verification failed. CAfile: none", "SourceCertificateInvalid", False),
    ("fatal: the remote end hung up unexpectedly", "SourceFailed", True),
]


@pytest.mark.parametrize(("output", "reason", "retryable"), EAS)
def test_eas_output_has_its_reason(output: str, reason: str, retryable: bool) -> None:
    """Each known failure of eas-cli is told from its words."""
    failure = classify_eas(output)
    assert (failure.reason, failure.retryable) == (reason, retryable)


@pytest.mark.parametrize(("output", "reason", "retryable"), GIT)
def test_git_output_has_its_reason(output: str, reason: str, retryable: bool) -> None:
    """Each known failure of git is told from its words."""
    failure = classify_git(output)
    assert (failure.reason, failure.retryable) == (reason, retryable)


def test_the_message_is_the_line_that_says_it() -> None:
    """The CLI's last line only says that it failed; the line before it is what a person needs."""
    failure = classify_eas("Something odd happened on line 3\n    Error: build command failed.\n")
    assert failure.message == "Something odd happened on line 3"


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (
            'eas.json is not valid.\n- "build.x" is not allowed\n    Error',
            'eas.json is not valid. "build.x" is not allowed',
        ),
        (
            "Failed.\nError message: odd\nResponse status: 200 OK\nRequest ID: 1\nError: build command failed.",
            "odd",
        ),
    ],
)
def test_the_message_names_the_cause(output: str, message: str) -> None:
    """Where the CLI explains itself in the lines around, the explanation is what is kept."""
    assert classify_eas(output).message == message


@given(st.text())
def test_any_output_is_classified(output: str) -> None:
    """No output raises, and every message is short and one line."""
    failure = classify_eas(output)
    assert failure.message
    assert len(failure.message) <= MESSAGE_CHARACTERS
    assert "\n" not in failure.message
