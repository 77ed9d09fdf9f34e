"""What a word in a status means, and what to do about it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
# Options, each quoted already.
_OPTIONS = "where"


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to do about a build, as it is shown: nothing in it is filled in any more."""

    text: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do about any build: a sentence and, where there is one, the exact command.

    Both are written here, and hold the placeholders of `PLACEHOLDERS`, in braces. Words of a build never become a step:
    they are an `Advice`.
    """

    text: str
    command: str = ""

    def filled(self, values: Mapping[str, str]) -> Advice:
        """The step with its placeholders filled in; in the command each value is one word of the shell's."""
        quoted = {name: value if name == _OPTIONS else shlex.quote(value) for name, value in values.items()}
        return Advice(_filled(self.text, values), _filled(self.command, quoted))


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


def _filled(text: str, values: Mapping[str, str]) -> str:
    """Each placeholder gives way to its value, which is not looked at again."""
    return _PLACEHOLDER.sub(lambda found: values[found[1]], text)
