"""How far a build is, and how that looks on a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from publishbuild.cli.views.board import board
from publishbuild.cli.views.sight import Sight
from publishbuild.cli.views.stages import Track, tracks
from publishbuild.models.base import rfc3339
from tests.builders import NAME, NOW, Object, a_build, at

JOB = {"name": "pb-app-1", "uid": "u"}
MARKS = {"done": "✓", "active": "●", "failed": "✗", "ahead": "○"}


@dataclass(frozen=True)
class Entry:
    position: int
    reason: str
    eta: datetime | None


def status(phase: str, message: str = "", reason: str = "Running", said: str = "Unknown", **fields: Any) -> Object:
    condition = {
        "type": "Succeeded",
        "status": said,
        "reason": reason,
        "message": message,
        "lastTransitionTime": rfc3339(NOW),
    }
    return {"phase": phase, "conditions": [condition], **fields}


def running(message: str = "", **fields: Any) -> Object:
    return status("Running", message, job=JOB, attempts=1, startTime=rfc3339(NOW), **fields)


def eas(state: str, platform: str = "ios") -> Object:
    return {"platform": platform, "id": "b7", "status": state, "logsURL": f"https://expo.dev/{platform}"}


def sent(state: str, platform: str = "ios") -> Object:
    return {"platform": platform, "id": "s7", "status": state, "url": f"https://expo.dev/{platform}/s"}


def seen(build_status: Object | None, *, name: str = NAME, entry: Entry | None = None, **spec: Any) -> Sight:
    build = a_build(name=name, status=build_status, **({"platform": "ios"} | spec))
    return Sight.read(build, at(90), entry=entry)


def strip(track: Track) -> str:
    return " ".join(f"{MARKS[stage.state]}{stage.name}" for stage in track.stages)


BUILDS = [
    (None, "●queue ○source ○EAS queue ○build ○submit"),
    (status("Queued", reason="GlobalLimit", queue={"reason": "GlobalLimit"}),
     "●queue ○source ○EAS queue ○build ○submit"),
    (running(), "✓queue ●source ○EAS queue ○build ○submit"),
    (running(builds=[eas("NEW")]), "✓queue ✓source ●EAS queue ○build ○submit"),
    (running(builds=[eas("IN_QUEUE")]), "✓queue ✓source ●EAS queue ○build ○submit"),
    (running(builds=[eas("IN_PROGRESS")]), "✓queue ✓source ✓EAS queue ●build ○submit"),
    (running(builds=[eas("SOMETHING_NEW")]), "✓queue ✓source ✓EAS queue ●build ○submit"),
    (running(builds=[eas("FINISHED")]), "✓queue ✓source ✓EAS queue ✓build ●submit"),
    (running(builds=[eas("FINISHED")], submissions=[sent("IN_PROGRESS")]),
     "✓queue ✓source ✓EAS queue ✓build ●submit"),
    (running(builds=[eas("FINISHED")], submissions=[sent("FINISHED")]),
     "✓queue ✓source ✓EAS queue ✓build ✓submit"),
    (running(builds=[eas("ERRORED")]), "✓queue ✓source ✓EAS queue ✗build ○submit"),
    (running(builds=[eas("FINISHED")], submissions=[sent("ERRORED")]),
     "✓queue ✓source ✓EAS queue ✓build ✗submit"),
    (status("Failed", said="False", job=JOB), "✓queue ✗source ○EAS queue ○build ○submit"),
    (status("Failed", said="False"), "✗queue ○source ○EAS queue ○build ○submit"),
    (status("Cancelled", said="False", job=JOB, builds=[eas("CANCELED")]),
     "✓queue ✓source ✓EAS queue ✗build ○submit"),
    (status("Succeeded", said="True", job=JOB), "✓queue ✓source ✓EAS queue ✓build ✓submit"),
]  # fmt: skip


@pytest.mark.parametrize(("build_status", "expected"), BUILDS)
def test_each_status_is_a_place_on_the_way(build_status: Object | None, expected: str) -> None:
    """Whatever the status says, exactly one stage is under way, has failed, or all are done."""
    [track] = tracks(seen(build_status))
    assert strip(track) == expected


def test_platforms_have_ways_of_their_own() -> None:
    """Of two platforms each stands where it is, with its own part of the runner's sentence and its own page."""
    said = "ios build b7 is IN_QUEUE at EAS, position 3, about 5 min", "android build b8 is IN_PROGRESS"
    builds = [eas("IN_QUEUE"), eas("IN_PROGRESS", "android")]
    ios, android = tracks(seen(running(f"attempt 1 runs: {'; '.join(said)}", builds=builds), platform="all"))
    assert strip(ios) == "✓queue ✓source ●EAS queue ○build ○submit"
    assert strip(android) == "✓queue ✓source ✓EAS queue ●build ○submit"
    assert (ios.note, android.note) == said
    assert android.link == "https://expo.dev/android"


def test_without_a_submission_the_build_is_the_end() -> None:
    """A build that is not to be submitted has no stage for it."""
    [track] = tracks(seen(running(builds=[eas("FINISHED")]), submit={"enabled": False}))
    assert strip(track) == "✓queue ✓source ✓EAS queue ✓build"


def test_a_tool_of_the_users_own_has_no_stages_of_eas() -> None:
    """Where another tool builds, only the queue and its run are told."""
    [track] = tracks(seen(running("attempt 1 runs: step 2 of 5"), runner={"command": ["publish"]}))
    assert (strip(track), track.note) == ("✓queue ●run", "step 2 of 5")


def test_the_queue_tells_place_and_time() -> None:
    """While it waits, reason, place and time come from the exact queue."""
    waiting = status("Queued", reason="GlobalLimit", queue={"reason": "Waiting", "position": 9})
    [track] = tracks(seen(waiting, entry=Entry(2, "GlobalLimit", at(690))))
    assert track.note == "GlobalLimit, number 2 in line, should start in 10m"


def test_a_pod_that_cannot_start_is_the_note() -> None:
    """What keeps the pod from starting is told in place of what the runner does."""
    [track] = tracks(seen(running("the pod cannot start, ImagePullBackOff")))
    assert track.note == "the pod cannot start, ImagePullBackOff"


def shown(*sights: Sight, log: tuple[str, ...] = (), trouble: str = "", height: int = 30) -> list[str]:
    return board(sights, log, trouble, width=100, height=height).plain.splitlines()


def test_the_board_tells_attempts_and_countdown() -> None:
    """Between attempts the last failure and the time to the next one are on the board."""
    attempt = {"number": 1, "pod": "p", "reason": "NetworkError", "message": "no route", "finishTime": rfc3339(at(84))}
    retrying = status("Retrying", job=JOB, attempts=1, startTime=rfc3339(NOW), failedAttempts=[attempt])
    assert shown(seen(retrying)) == [
        f"{NAME}  Retrying  attempt 1 of 4  90s",
        "  ios  ✓ queue ━━ ● source ── ○ EAS queue ── ○ build ── ○ submit",
        "  attempt 1 failed, NetworkError: no route",
        "  next attempt about in 4s",
    ]


def test_the_board_ends_with_the_log_and_with_what_is_wrong() -> None:
    """The end of the log comes below the build, and last of all that the view is not up to date."""
    lines = shown(seen(running()), log=("cloning", "installing"), trouble="not up to date for 3 s")
    assert lines[-3:] == ["  │ cloning", "  │ installing", "not up to date for 3 s"]


def test_the_board_never_grows_beyond_the_terminal() -> None:
    """What does not fit is given up in this order: the log, the details, the builds that have ended."""
    ended = status("Succeeded", said="True", reason="Succeeded", job=JOB)
    sights = [seen(ended, name="done"), *(seen(running(), name=f"app-{n}") for n in range(9))]
    assert len(shown(seen(running()), log=("x",) * 8, height=6)) == 5
    lines = shown(*sights, height=7)
    assert len(lines) == 6
    assert lines[0].startswith("app-0  Running")
    assert lines[-1] == "… and 5 more"
    assert all(len(line) <= 100 for line in shown(seen(running("attempt 1 runs: " + "x" * 300))))


def test_an_ended_build_says_how() -> None:
    """The last frame holds the reason and the sentence of the end."""
    ended = status("Failed", "attempt 1 failed (BuildErrored)", "PodFailurePolicy", said="False", job=JOB)
    assert shown(seen(ended))[-1] == "  PodFailurePolicy: attempt 1 failed (BuildErrored)"
