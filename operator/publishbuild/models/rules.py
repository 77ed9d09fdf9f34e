"""The rules of a good spec that a JSON schema cannot say: each once, for the API server (CEL) and for Python.

The API server refuses a bad manifest at `kubectl apply`. The operator checks again, since a resource may have been
stored under an older CRD; it then ends as ``Failed`` with reason ``InvalidSpec``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class TextRule:
    """A regular expression that a string must, or must not, match: for Python, and in RE2's words for CEL."""

    expression: re.Pattern[str]
    message: str
    must_match: bool = True

    @property
    def pattern(self) -> str:
        """As RE2 writes it, whose `$` is the end of the text alone."""
        return self.expression.pattern.replace(r"\Z", "$")

    def cel(self, field: str | None = None) -> dict[str, str]:
        """One entry of ``x-kubernetes-validations``, for the string itself or for the object around ``field``.

        The API server repeats a refused string to whoever sent it, and so to terminals and CI logs, but no refused
        object: what may hold a password is checked from around it.
        """
        # Two parsers read it: CEL's string literal first, then the regular expression.
        literal = self.pattern.replace("\\", "\\\\")
        call = f"{'self' if field is None else f'self.{field}'}.matches('{literal}')"
        made = {"rule": call if self.must_match else f"!{call}", "message": self.message}
        return made if field is None else {**made, "fieldPath": f".{field}"}

    def check(self, value: str) -> None:
        """Raise ValueError with the rule's message where ``value`` breaks it."""
        if bool(self.expression.search(value)) is not self.must_match:
            raise ValueError(self.message)


GIT_URL = (
    TextRule(
        re.compile(r"^(https|ssh|file)://[^-\s][^\s]*\Z", re.ASCII),
        "must be an https://, ssh:// or file:// URL without spaces, for example https://github.com/acme/app.git"
        " (write git@host:path as ssh://git@host/path)",
    ),
    TextRule(
        re.compile(r"^https://[^/]*@|^[a-z]+://[^/@:]*:[^/@]*@", re.ASCII),
        "must not carry credentials: put them in a Secret of type kubernetes.io/basic-auth or"
        " kubernetes.io/ssh-auth and name it in source.git.secretRef",
        must_match=False,
    ),
)
GIT_REVISION = (
    TextRule(
        re.compile(r"^[^-\s~^:?*\[\\][^\s~^:?*\[\\]*\Z", re.ASCII),
        "must be a branch, a tag or a commit SHA: it cannot start with '-' nor hold spaces or any of ~^:?*[\\",
    ),
    TextRule(
        re.compile(r"\.\.", re.ASCII), "must be a branch, a tag or a commit SHA: '..' is not allowed", must_match=False
    ),
)
SOURCE_PATH = (
    TextRule(
        re.compile(r"^/", re.ASCII),
        "must be relative to the repository's root: it cannot start with '/'",
        must_match=False,
    ),
    TextRule(
        re.compile(r"(^|/)\.\.(/|\Z)", re.ASCII),
        "must stay inside the repository: '..' is not allowed",
        must_match=False,
    ),
)
PROFILE = (
    TextRule(
        re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]*\Z", re.ASCII),
        "must be a profile of eas.json: letters, digits, '_', '.' and '-', not starting with '-' or '.'",
    ),
)
OBJECT_NAME = (
    TextRule(
        re.compile(r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?\Z", re.ASCII),
        "must be the name of a Kubernetes object: lower case letters, digits, '-' and '.'",
    ),
)
NOT_BLANK = (TextRule(re.compile(r"^[^\s]+\Z", re.ASCII), "must not be empty and cannot hold spaces"),)

MUTABLE_FIELDS = ("suspend", "cancel", "priority", "ttlSecondsAfterFinished")


def immutable(field: str, *, always_present: bool) -> dict[str, str]:
    """The rule of ``spec`` that keeps ``field`` as it was: a new build is a new resource."""
    same = f"self.{field} == oldSelf.{field}"
    if not always_present:
        same = f"has(self.{field}) == has(oldSelf.{field}) && (!has(self.{field}) || {same})"
    return {
        "rule": same,
        "message": f"spec.{field} is immutable: a new build is a new PublishBuild"
        f" (only {', '.join(MUTABLE_FIELDS)} may change)",
    }


ONE_WAY_CANCEL = {
    "rule": "!oldSelf.cancel || self.cancel",
    "message": "spec.cancel is one way: a cancelled build stays cancelled; create a new PublishBuild to build again",
}


def name_length(limit: int) -> dict[str, str]:
    """The rule at the resource's root that keeps every name and label value made from the build's name valid."""
    return {
        "rule": f"size(self.metadata.name) <= {limit}",
        "message": f"metadata.name must be at most {limit} characters: the Job, its pods and labels are named after it",
    }
