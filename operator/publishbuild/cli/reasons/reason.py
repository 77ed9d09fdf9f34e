"""What a word in a status means, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: a sentence and, where there is one, the exact command.

    Both may hold the placeholders of `PLACEHOLDERS`, in braces; a brace of their own is doubled.
    """

    text: str
    command: str = ""

    def filled(self, values: Mapping[str, str]) -> Step:
        """The step with its placeholders filled in."""
        return Step(self.text.format_map(values), self.command.format_map(values))


@dataclass(frozen=True, slots=True)
class Reason:
    """A ``word`` of a status: its ``cause`` follows "it waits:" or "it failed:"; ``steps`` are tried in their order.

    ``retried`` says that Kubernetes tries again by itself, so that there is something to do only once it has given up.
    """

    word: str
    cause: str
    steps: tuple[Step, ...]
    retried: bool = False


PLACEHOLDERS: Mapping[str, str] = {
    "name": "NAME",
    "where": "-n NAMESPACE",
    "namespace": "NAMESPACE",
    "pod": "POD",
    "job": "JOB",
    "secret": "SECRET",
    "git_secret": "SECRET",
    "key": "KEY",
    "platform": "PLATFORM",
    "build_page": "the page in status.builds[].logsURL",
    "submission_page": "the page in status.submissions[].url",
}
"""The placeholders, each with what stands for it where no build is spoken of. ``where`` are the options of kubectl
and of this command alike that say which cluster and namespace."""

AGAIN = Step("Then build it again:", "publishbuild retry {name} {where} --watch")
SUBMIT_CORRECTED = Step(
    "A spec does not change, so submit a corrected build; this shows the options:", "publishbuild submit --help"
)
EAS_PAGES = Step("Read the build's log on EAS: {build_page}")
READ_LOG = Step("Read what the attempts have said:", "publishbuild logs {name} {where}")
DOCTOR = Step("Look at the operator:", "publishbuild doctor {where}")
NOTHING = Step("Nothing: it goes on by itself.")
