"""The log of an attempt as people read it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from publishbuild.cli.views.links import shown_link
from publishbuild.decide.attempts import age
from publishbuild.decide.facts import PodFacts
from publishbuild.models.status import FailedAttempt, PublishBuildStatus
from publishbuild.names import RUNNER_CONTAINER
from publishbuild.runner.result import PROGRESS_MARK

# Of a line of the Expo runner: told before the other keys, or not at all.
_FIRST = ("timestamp", "level", "event", "output")


@dataclass(frozen=True, slots=True)
class AttemptLog:
    """Where the log of attempt ``number`` is: in ``pod``, unless that is gone, and then in what was ``recorded``.

    ``containers``: those of the pod that have begun, the first one first. ``ended``: there will be no other.
    """

    number: int
    pod: str
    is_there: bool
    recorded: FailedAttempt | None = None
    waits: bool = False
    containers: tuple[str, ...] = (RUNNER_CONTAINER,)
    ended: bool = False


def attempt_logs(status: PublishBuildStatus, pods: Sequence[PodFacts]) -> tuple[AttemptLog, ...]:
    """All attempts so far, the first one first: those on record, and after them the pods that are not."""
    there = {pod.name: pod for pod in pods}
    recorded = [
        AttemptLog(one.number, one.pod, True, one, containers=there[one.pod].containers, ended=True)
        if one.pod in there
        else AttemptLog(one.number, one.pod, False, one, ended=True)
        for one in status.failed_attempts
    ]
    known = {one.pod for one in recorded}
    fresh = sorted((pod for pod in pods if pod.name not in known), key=age)
    numbered = enumerate(fresh, start=len(recorded) + 1)
    return (*recorded, *(_of_pod(number, pod) for number, pod in numbered))


def _of_pod(number: int, pod: PodFacts) -> AttemptLog:
    # A pod whose earlier stages run is Pending still.
    waits = pod.phase == "Pending" and not pod.stage_runs and len(pod.containers) == 1
    ended = pod.failed or pod.container == RUNNER_CONTAINER
    return AttemptLog(number, pod.name, True, waits=waits, containers=pod.containers, ended=ended)


def header(attempt: AttemptLog, container: str = RUNNER_CONTAINER) -> str:
    """The line before an attempt's log, or before that of an earlier stage of it."""
    stage = "" if container == RUNNER_CONTAINER else f", {container}"
    return f"==> attempt {attempt.number}, pod {attempt.pod}{stage} <=="


def kept_lines(attempt: AttemptLog, status: PublishBuildStatus) -> Iterator[str]:
    """What is left of the log of a pod that is gone."""
    failure = status.failure
    if failure is not None and failure.pod == attempt.pod and failure.log_tail:
        yield "(the pod is gone; its last lines were kept)"
        yield from failure.log_tail.rstrip("\n").split("\n")
    elif attempt.recorded is not None:
        yield f"(the pod is gone; it failed: {attempt.recorded.reason}: {attempt.recorded.message})"
    else:
        yield "(the pod is gone, and nothing of its log was kept)"


def eas_links(status: PublishBuildStatus) -> Iterator[str]:
    """The pages on EAS that have the logs of its own side."""
    for build in status.builds:
        if build.logs_url:
            yield f"{build.platform} build {build.id} is {build.status}: {shown_link(build.logs_url)}"
    for one in status.submissions:
        if one.url:
            yield f"{one.platform} submission {one.id} is {one.status}: {shown_link(one.url)}"


def readable(line: str) -> str | None:
    """A line of the Expo runner as a sentence with its time, other lines as they are; None for what is for programs.

    Tabs, with which a trace of calls is written, become blanks.
    """
    if line.startswith(PROGRESS_MARK):
        return None
    line = line.expandtabs()
    if not line.startswith("{"):
        return line
    try:
        entry: Mapping[str, Any] = json.loads(line)
    except (ValueError, RecursionError):  # whoever writes a log can nest brackets without end
        return line
    if not {"timestamp", "level", "event"} <= entry.keys():
        return line
    time = str(entry["timestamp"])[11:19]
    level = "" if entry["level"] == "info" else f"{str(entry['level']).upper()} "
    facts = "" if entry.get("output") else "".join(f" {key}={entry[key]}" for key in entry if key not in _FIRST)
    return f"{time}  {level}{entry['event']}{facts}"
