"""docs/reasons.md, made from the table by ``make generate``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from publishbuild.cli.reasons.eas import EAS
from publishbuild.cli.reasons.endings import ENDINGS
from publishbuild.cli.reasons.pods import ATTEMPT_ENDED, CANNOT_START
from publishbuild.cli.reasons.reason import PLACEHOLDERS, Reason
from publishbuild.cli.reasons.source import SOURCE
from publishbuild.cli.reasons.waiting import WAITING

_HEAD = """\
<!-- Made from operator/publishbuild/cli/reasons by `make generate`; do not edit. -->
# Reasons, and what to do

`publishbuild why NAME` says which of these holds for a build, what shows it, and the commands with its names filled in.

Where a reason is *tried again*, Kubernetes starts another attempt by itself, up to `spec.backoffLimit`, and there is
something to do only once the build has failed. All others end the build, or hold it until something is done.
"""

_CHAPTERS = (
    ("Why it waits", "`status.queue.reason`; the first that holds.", WAITING),
    ("Why its pod cannot start", "In the message of the condition `Succeeded` while the build runs.", CANNOT_START),
    ("How it ended", "The reason of the condition `Succeeded`, once that is False.", ENDINGS),
    (
        "The source and the app",
        "`status.failure.reason` and `status.failedAttempts[].reason`, from the Expo runner.",
        SOURCE,
    ),
    ("EAS and the stores", "In the same places, from the Expo runner.", EAS),
    ("The pod", "In the same places, where no runner has left a report.", ATTEMPT_ENDED),
)


def document() -> str:
    """The whole page."""
    return "\n".join(
        (_HEAD, *(line for title, place, reasons in _CHAPTERS for line in _chapter(title, place, reasons)))
    )


def _chapter(title: str, place: str, reasons: Iterable[Reason]) -> Iterator[str]:
    yield from (f"## {title}", "", place, "")
    for reason in reasons:
        again = " *Tried again.*" if reason.retried else ""
        yield from (f"### {reason.word}", "", f"{reason.cause[0].upper()}{reason.cause[1:]}.{again}", "")
        for step in (step.filled(PLACEHOLDERS) for step in reason.steps):
            yield f"- {step.text}"
            if step.command:
                # Indented by four: less is a list's own text on the site, and the same on GitHub.
                yield from ("", "    ```console", f"    $ {step.command}", "    ```", "")
        yield ""
