"""What goes on while Redis is connected and silent, and how soon all goes on once it answers again."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum

from tests.reliability.leader import jobs_made
from tests.support.manifests import a_manifest
from tests.support.operator_process import OperatorProcess
from tests.support.rig import Rig
from tests.support.waiting import until

RUNNING, WAITING = 10, 5


class How(StrEnum):
    """The two ways in which Redis falls silent while its connections stay open."""

    CLIENT_PAUSE = "CLIENT PAUSE"
    SIGSTOP = "SIGSTOP"


@dataclass(frozen=True)
class Freeze:
    """``transitions`` counts status changes of running builds in the silence; times are in seconds.

    ``noticed`` is from the silence to ``publishbuild_redis_up`` 0, ``recovery`` from the return to the next launch.
    """

    transitions: int
    noticed: float
    recovery: float


def freeze(rig: Rig, how: How, seconds: float) -> Freeze:
    """Silence Redis for ``seconds`` while builds run, end and wait.

    Raises:
        AssertionError: the metric did not say so in that time, or nothing was launched in a minute after it.
    """
    operator = rig.operator(max_concurrent=RUNNING)
    # They end one after the other within the silence.
    running = [
        a_manifest(f"run-{n}", seconds=seconds * (n + 1) / (RUNNING + 2), backoffLimit=0) for n in range(RUNNING)
    ]
    rig.kube.apply(*running)
    until(lambda: _phases(rig, "run-").count("Running") >= RUNNING - 2, seconds=60, what="builds run")
    rig.kube.apply(*[a_manifest(f"wait-{n}") for n in range(WAITING)])
    began = time.monotonic()
    _silence(rig, how, seconds)
    noticed, transitions = _look_on(rig, operator, began + seconds)
    assert noticed is not None, f"the metric has not said within {seconds} s that Redis is away"
    # Read now: a claim of the last moment before the silence is launched in it.
    launched = jobs_made(operator)
    if how is How.SIGSTOP:
        rig.redis.thaw()
    with rig.redis.client() as client:
        # Under CLIENT PAUSE it is answered when the pause is over.
        client.ping()
    back = time.monotonic()
    until(lambda: jobs_made(operator) > launched, seconds=60, what="the next launch", pause=0.01)
    recovery = time.monotonic() - back
    until(
        lambda: _phases(rig, "").count("Succeeded") == RUNNING + WAITING,
        seconds=120,
        what="all builds have ended well",
        pause=0.2,
    )
    return Freeze(transitions, noticed - began, recovery)


def _silence(rig: Rig, how: How, seconds: float) -> None:
    if how is How.SIGSTOP:
        rig.redis.freeze()
        return
    with rig.redis.client() as client:
        client.client_pause(round(seconds * 1000))


def _look_on(rig: Rig, operator: OperatorProcess, end: float) -> tuple[float | None, int]:
    """When the metric said that Redis is away, and how many phases of builds that ran have changed by ``end``."""
    noticed: float | None = None
    before, transitions = _phases(rig, "run-"), 0

    def over() -> bool:
        nonlocal noticed, before, transitions
        if noticed is None and operator.metric("publishbuild_redis_up") == 0:
            noticed = time.monotonic()
        after = _phases(rig, "run-")
        transitions += sum(old != new for old, new in zip(before, after, strict=True))
        before = after
        return time.monotonic() >= end

    until(over, seconds=max(1.0, end - time.monotonic()) + 30, what="the end of the silence", pause=0.1)
    return noticed, transitions


def _phases(rig: Rig, prefix: str) -> list[str]:
    builds = sorted(rig.kube.all_builds(), key=lambda build: str(build["metadata"]["name"]))
    return [b.get("status", {}).get("phase", "") for b in builds if b["metadata"]["name"].startswith(prefix)]
