"""What can go wrong for somebody who uses a cluster: each in one line that says what to do about it."""

from __future__ import annotations

from publishbuild import names
from publishbuild.cluster.api import (
    BAD_REQUEST,
    CONFLICT,
    FORBIDDEN,
    GONE,
    INVALID,
    NOT_FOUND,
    TOO_LARGE,
    UNAUTHORIZED,
    ApiError,
)
from publishbuild.cluster.login_program import NO_CREDENTIALS
from publishbuild.printable import printable

_ROLES = "the roles publishbuild-submitter and edit have that right, view to read"
_BY_POLICY = ("denied request: ", "denied the request: ")
"""In refusals by a ValidatingAdmissionPolicy or a webhook, and in none for want of a right."""
_RESOURCE_PATH = f"/apis/{names.GROUP}/"


class PublishBuildError(Exception):
    """Base of all errors of this package; its text is one line, which a terminal and a log may be given as it is.

    ``status`` is the HTTP status, 0 for no answer.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        # A refusal quotes what it refuses, and whoever catches nothing gets it on a terminal.
        super().__init__(printable(" ".join(message.split())))
        self.status = status


class NoClusterError(PublishBuildError):
    """No API server answers, or no kubeconfig says where one is."""


class UnauthorizedError(PublishBuildError):
    """The API server does not know who asks, or the kubeconfig's user cannot log in."""


class ForbiddenError(PublishBuildError):
    """Who asks may not do that."""


class NoResourceError(PublishBuildError):
    """The cluster has no PublishBuilds: the CRD is missing."""


class NotFoundError(PublishBuildError):
    """There is no such object, or no longer."""


class AlreadyExistsError(PublishBuildError):
    """An object of that name exists."""


class RefusedError(PublishBuildError):
    """The API server refused the object, and says what is wrong with it."""


class GoneError(PublishBuildError):
    """The place in a list or watch is too old for the API server."""


class UnavailableError(PublishBuildError):
    """The API server cannot answer right now: asking again may help."""


_KINDS: dict[int, type[PublishBuildError]] = {
    BAD_REQUEST: RefusedError,
    UNAUTHORIZED: UnauthorizedError,
    FORBIDDEN: ForbiddenError,
    CONFLICT: AlreadyExistsError,
    GONE: GoneError,
    TOO_LARGE: RefusedError,
    INVALID: RefusedError,
}


def from_api(error: ApiError, *, host: str, path: str) -> PublishBuildError:
    """``error`` of a request for ``path`` at ``host``, as its user should read it."""
    if error.reason == "NoCluster":
        return NoClusterError(f"{error.message} (set KUBECONFIG, or name a file with --kubeconfig)")
    if error.reason == NO_CREDENTIALS:
        return UnauthorizedError(error.message)
    if error.status == 0:
        where = f"no answer from the API server {host}"
        return NoClusterError(f"{where}: {error.message} (is the cluster up, and the context the right one?)")
    if error.status == NOT_FOUND:
        return _not_found(error, path)
    if error.status == FORBIDDEN and path.startswith(_RESOURCE_PATH):
        # A policy says itself who allows more, and no role would help.
        advice = "" if any(words in error.message for words in _BY_POLICY) else f" ({_ROLES})"
        return ForbiddenError(f"{error.message}{advice}", error.status)
    kind, said = _KINDS.get(error.status, UnavailableError), error.message or str(error)
    instead = {
        UnauthorizedError: "the API server does not accept your credentials: log in again",
        UnavailableError: f"the API server cannot answer right now: {said}",
    }
    return kind(instead.get(kind, said), error.status)


def _not_found(error: ApiError, path: str) -> PublishBuildError:
    # An object that is missing comes with a reason; a path that is not served does not.
    if not error.reason and path.startswith(_RESOURCE_PATH):
        text = (
            "this cluster has no PublishBuilds: install the chart, or only the resource with"
            " `publishbuild crd | kubectl apply --server-side -f -`"
        )
        return NoResourceError(text, error.status)
    parts = path.split("/")
    namespace = parts[parts.index("namespaces") + 1] if "namespaces" in parts else ""
    is_inside = namespace and not error.message.startswith("namespaces ")
    return NotFoundError(error.message + (f" in namespace {namespace}" if is_inside else ""), error.status)
