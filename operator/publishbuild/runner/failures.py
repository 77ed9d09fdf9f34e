"""What went wrong, read from what git and ``eas-cli`` print: a reason for programs, and whether a retry can help.

Both programs exit with 1 for almost everything, so the words decide. What nobody recognises is worth a retry: the
Job bounds the attempts, and a retry looks for the build before it would start one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MESSAGE_CHARACTERS = 500

# The stores' and EAS's words for a version or build number that was there before.
VERSION_USED = re.compile(
    r"9018[69]|90062|OLD_VERSION_CODE|[Aa]lready (been )?(used|submitted|uploaded)|"
    r"must (contain|be) a? ?higher (version )?than|Redundant Binary Upload"
)


@dataclass(frozen=True)
class FailureClass:
    """Why an attempt failed: CamelCase ``reason``, one sentence, and whether another attempt may succeed."""

    reason: str
    message: str
    retryable: bool


class AttemptFailed(Exception):  # noqa: N818 - reads as what happened: an attempt failed
    """Carries a `FailureClass` from where it was seen to where the attempt ends."""

    def __init__(self, failure: FailureClass) -> None:
        super().__init__(failure.message)
        self.failure = failure


def give_up(reason: str, message: str) -> AttemptFailed:
    """A failure that no retry helps."""
    return AttemptFailed(FailureClass(reason, message, retryable=False))


# First match wins; (pattern, reason, worth a retry).
_EAS = (
    (re.compile(r"Either log in with eas login or set the EXPO_TOKEN"), "InvalidCredentials", False),
    (re.compile(r"bearer token is invalid"), "InvalidCredentials", False),
    (re.compile(r"You don't have the required permissions"), "PermissionDenied", False),
    (re.compile(r"Entity not authorized"), "PermissionDenied", False),
    (re.compile(r"Failed to upload the project tarball"), "UploadFailed", True),
    (re.compile(r"transient error"), "ServiceUnavailable", True),
    (re.compile(r"down for maintenance"), "ServiceUnavailable", True),
    (re.compile(r"maximum number of pending"), "TooManyPendingBuilds", True),
    (
        re.compile(r"ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|socket hang up|network timeout"),
        "NetworkError",
        True,
    ),
    (
        re.compile(r"Bad Gateway|Service Unavailable|Gateway Time-?out|Internal Server Error"),
        "ServiceUnavailable",
        True,
    ),
    (re.compile(r"[Ff]ree (tier|plan)|EAS_BUILD_FREE_TIER|upgrade to the Starter plan"), "QuotaExceeded", False),
    (re.compile(r"VALIDATION_ERROR|is not valid\. |Invalid app config"), "InvalidConfiguration", False),
    (
        re.compile(r"Missing build profile|Missing submit profile|eas\.json (could not be found|is not valid)"),
        "InvalidConfiguration",
        False,
    ),
    (re.compile(r"No lockfile found"), "InvalidConfiguration", False),
    (
        re.compile(r"is required when building in non-interactive mode|--platform is required"),
        "InvalidArguments",
        False,
    ),
    (re.compile(r"Nonexistent flag|Unexpected argument|Expected --\S+ to be one of"), "InvalidArguments", False),
    (re.compile(r"Set ascAppId in the submit profile"), "SubmitProfileIncomplete", False),
    (
        re.compile(r"Google Service Account Keys? cannot be set up in --non-interactive"),
        "SubmitProfileIncomplete",
        False,
    ),
    (re.compile(r"Input is required, but stdin is not readable"), "InteractiveSetupNeeded", False),
    (re.compile(r"EAS project not configured|Must configure EAS project"), "InteractiveSetupNeeded", False),
    (re.compile(r"Credentials are not set up|in --?non-interactive mode"), "InteractiveSetupNeeded", False),
    (VERSION_USED, "VersionAlreadyUsed", False),
)

_GIT = (
    (
        re.compile(r"Authentication failed|could not read (Username|Password)|HTTP Basic: Access denied"),
        "SourceAuthFailed",
        False,
    ),
    (re.compile(r"Permission denied \(|returned error: 40[13]"), "SourceAuthFailed", False),
    (re.compile(r"Host key verification failed| host key is known"), "SourceHostKeyUnknown", False),
    (re.compile(r"SSL certificate problem|server certificate verification failed"), "SourceCertificateInvalid", False),
    (
        re.compile(r"couldn't find remote ref|not our ref|unknown revision|Needed a single revision"),
        "SourceRevisionNotFound",
        False,
    ),
    (
        re.compile(r"[Rr]epository not found|repository '[^'\n]*' not found|returned error: 404"),
        "SourceNotFound",
        False,
    ),
    (
        re.compile(
            r"does not appear to be a git repository|transport '[^'\n]*' not allowed|"
            r"Protocol \"?[a-z]+\"? (not supported|disabled)"
        ),
        "SourceNotFound",
        False,
    ),
    (
        re.compile(r"Could not resolve host|Connection (refused|reset|timed out)|Failed to connect|Timeout|timed out"),
        "NetworkError",
        True,
    ),
)


def classify_eas(output: str) -> FailureClass:
    """The failure behind the output of an ``eas`` command."""
    return _classify(_EAS, output, "EasCliFailed")


def classify_git(output: str) -> FailureClass:
    """The failure behind the output of a ``git`` command."""
    return _classify(_GIT, output, "SourceFailed")


def _classify(table: tuple[tuple[re.Pattern[str], str, bool], ...], output: str, otherwise: str) -> FailureClass:
    for pattern, reason, retryable in table:
        if found := pattern.search(output):
            return FailureClass(reason, _line_at(output, found.start()), retryable)
    return FailureClass(otherwise, _last_words(output), retryable=True)


def _line_at(output: str, position: int) -> str:
    """The line that was recognised, with the list item that explains it where one follows."""
    start = output.rfind("\n", 0, position) + 1
    line, *after = [line.strip() for line in output[start:].split("\n", 2)][:2]
    detail = f" {after[0][2:]}" if after and after[0].startswith("- ") and not line.startswith("- ") else ""
    return (line.removeprefix("Original error message: ") + detail)[:MESSAGE_CHARACTERS]


_EMPTY = re.compile(
    r"^(Error: )?(\w+(:\w+)? command failed\.?|GraphQL request failed\.?)?$|^(Response status|Request ID): "
)


def _last_words(output: str) -> str:
    """The last line that says something: the CLI ends with lines that only say that it failed."""
    lines = [line.strip() for line in output.splitlines()]
    spoken = [line for line in lines if not _EMPTY.match(line)]
    last = (spoken or [line for line in lines if line] or ["it said nothing"])[-1]
    return last.removeprefix("Error message: ")[:MESSAGE_CHARACTERS]
