"""How far a build is, stage by stage, for each platform."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from publishbuild.cli.views.links import shown_link
from publishbuild.cli.views.listing import eta_text
from publishbuild.cli.views.sight import Sight
from publishbuild.models.spec import Platform
from publishbuild.models.status import BuildStatus, SubmissionStatus
from publishbuild.names import Phase

QUEUE, SOURCE, EAS_QUEUE, BUILD, SUBMIT, RUN = "queue", "source", "EAS queue", "build", "submit", "run"

_BAD_ENDS = frozenset({"ERRORED", "CANCELED"})
_EAS_WAITS = frozenset({"NEW", "IN_QUEUE"})


class State(StrEnum):
    """How a stage stands."""

    DONE = "done"
    ACTIVE = "active"
    FAILED = "failed"
    AHEAD = "ahead"


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of the way."""

    name: str
    state: State


@dataclass(frozen=True, slots=True)
class Track:
    """The way of one platform, "" where a tool of the user's own builds. ``note`` says what it is about now."""

    platform: str
    stages: tuple[Stage, ...]
    note: str = ""
    link: str = ""


def tracks(sight: Sight) -> tuple[Track, ...]:
    """A track for each platform, in the order in which they are built."""
    spec = sight.facts.spec
    if spec is None or spec.runner.command is not None:
        return (_track(sight, "", (QUEUE, RUN), RUN),)
    platforms = ("ios", "android") if spec.platform is Platform.ALL else (str(spec.platform),)
    names = (QUEUE, SOURCE, EAS_QUEUE, BUILD, *((SUBMIT,) if spec.submit.enabled else ()))
    return tuple(_of_platform(sight, platform, names) for platform in platforms)


def _of_platform(sight: Sight, platform: str, names: tuple[str, ...]) -> Track:
    build = next((one for one in sight.status.builds if one.platform == platform), None)
    submission = next((one for one in sight.status.submissions if one.platform == platform), None)
    at = _stage_on_eas(build, submission, names)
    failed = any(one is not None and one.status in _BAD_ENDS for one in (build, submission))
    page = (submission and submission.url) or (build and build.logs_url)
    link = shown_link(page) if page else ""
    return _track(sight, platform, names, at, failed=failed, link=link)


def _stage_on_eas(build: BuildStatus | None, submission: SubmissionStatus | None, names: tuple[str, ...]) -> str | None:
    """Where a platform is once its Job is launched; None where it has come to its end."""
    if build is None:
        return SOURCE
    if build.status in _EAS_WAITS:
        return EAS_QUEUE
    if build.status != "FINISHED":
        return BUILD
    finished = SUBMIT not in names or (submission is not None and submission.status == "FINISHED")
    return None if finished else SUBMIT


def _track(
    sight: Sight, platform: str, names: tuple[str, ...], at: str | None, *, failed: bool = False, link: str = ""
) -> Track:
    """``at`` counts once there is a Job; before, the build is in the queue."""
    phase = sight.status.phase
    if phase is Phase.SUCCEEDED:
        at = None
    elif sight.status.job is None:
        at = QUEUE
    if at is None:
        return Track(platform, tuple(Stage(name, State.DONE) for name in names), link=link)
    now = State.FAILED if failed or phase in {Phase.FAILED, Phase.CANCELLED} else State.ACTIVE
    index = names.index(at)
    states = [State.DONE] * index + [now] + [State.AHEAD] * (len(names) - index - 1)
    note = "" if now is State.FAILED else _note(sight, platform)
    return Track(platform, tuple(map(Stage, names, states)), note, link)


def _note(sight: Sight, platform: str) -> str:
    """What the platform is about, from the sentence that the runner says of all of them."""
    if sight.status.phase is not Phase.RUNNING:
        return "" if sight.status.job else _place(sight)
    before, runs, doing = sight.message.partition(" runs: ")
    if not runs:
        return before
    own = [part for part in doing.split("; ") if f"{platform} " in part]
    return "; ".join(own) if own else doing if not sight.status.builds else ""


def _place(sight: Sight) -> str:
    return ", ".join(_place_words(sight))


def _place_words(sight: Sight) -> Iterator[str]:
    queue, entry = sight.status.queue, sight.entry
    if queue is None:
        yield "no operator has looked at it yet"
        return
    yield (entry.reason if entry else queue.reason) or ""
    position = entry.position if entry else queue.position
    if position:
        yield f"number {position} in line"
    eta = eta_text(entry.eta, sight.now) if entry else ""
    if eta:
        yield f"should start {eta}"
