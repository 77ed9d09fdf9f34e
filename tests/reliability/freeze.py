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
# So long before its end the silence is looked at for the last time; under CLIENT PAUSE it ends by itself.
STILL_SILENT_SECONDS = 2.0


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
    rig.kube.apply(*[a_manifest(f"run-{n}", outcome="hold", backoffLimit=0) for n in range(RUNNING)])
    until(lambda: len(_running_pods(rig)) == RUNNING, seconds=60, what="builds run")
    pods = _running_pods(rig)
    rig.kube.apply(*[a_manifest(f"wait-{n}") for n in range(WAITING)])
    until(lambda: _phases(rig, "wait-") == ["Queued"] * WAITING, seconds=60, what="others wait")
    # Nothing is launched in the silence; on a busy machine the look at it may outlast it.
    launched = jobs_made(operator)
    began = time.monotonic()
    _silence(rig, how, seconds)
    end = time.monotonic() + seconds
    noticed, transitions = _look_on(rig, operator, pods, seconds - STILL_SILENT_SECONDS)
    assert noticed is not None, f"the metric has not said within {seconds} s that Redis is away"
    if how is How.SIGSTOP:
        rig.redis.thaw()
        end = time.monotonic()
    until(lambda: jobs_made(operator) > launched, seconds=60, what="the next launch", pause=0.01)
    recovery = max(0.0, time.monotonic() - end)
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


def _look_on(rig: Rig, operator: OperatorProcess, pods: list[str], seconds: float) -> tuple[float | None, int]:
    """When the metric said that Redis is away, and how many phases of builds have changed in those ``seconds``.

    Of ``pods`` one after the other is told to succeed, evenly over the first two thirds of the silence.
    """
    noticed: float | None = None
    before, transitions, began = _phases(rig, "run-"), 0, time.monotonic()
    told = 0

    def over() -> bool:
        nonlocal noticed, before, transitions, told
        elapsed = time.monotonic() - began
        if told < len(pods) and elapsed >= seconds * told / len(pods) / 1.5:
            _succeed(rig, pods[told])
            told += 1
        if noticed is None and operator.metric("publishbuild_redis_up") == 0:
            noticed = time.monotonic()
        after = _phases(rig, "run-")
        transitions += sum(old != new for old, new in zip(before, after, strict=True))
        before = after
        return elapsed >= seconds

    until(over, seconds=seconds + 60, what="the end of the silence", pause=0.1)
    return noticed, transitions


def _running_pods(rig: Rig) -> list[str]:
    return [pod["metadata"]["name"] for pod in rig.kube.pods() if pod.get("status", {}).get("phase") == "Running"]


def _succeed(rig: Rig, pod: str) -> None:
    told = {"metadata": {"annotations": {"kwok.publishbuild.dev/outcome": "succeed"}}}
    rig.kube.core.patch_namespaced_pod(pod, rig.kube.namespace, told)


def _phases(rig: Rig, prefix: str) -> list[str]:
    """The phases of the builds whose names begin so, in the order of their names."""
    builds = sorted(rig.kube.all_builds(), key=lambda build: str(build["metadata"]["name"]))
    return [b.get("status", {}).get("phase", "") for b in builds if b["metadata"]["name"].startswith(prefix)]
