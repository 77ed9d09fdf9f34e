"""What one run of the fault suite does: builds, what their pods do, what users do, and which faults are injected.

Pure data. `seeds.plan_of` makes one from a seed; a directed plan is written by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from publishbuild import names


class Outcome(StrEnum):
    """What the pods of a build do."""

    SUCCEED = "succeed"
    FAIL = "fail"
    GIVE_UP = "give up"
    RETRY = "fail, then succeed"
    HOLD = "hold"


class Act(StrEnum):
    """What a user does to a build while it lives."""

    CANCEL = "cancel"
    RESUME = "resume"
    PRIORITIZE = "prioritize"
    DELETE_BUILD = "delete build"
    DELETE_JOB = "delete job"
    DELETE_POD = "delete pod"


class When(StrEnum):
    """Before: the server has not heard of it. After: it has done it, and the operator has not heard of that."""

    BEFORE = "before"
    AFTER = "after"


class Do(StrEnum):
    """What is done at a point. A number is the HTTP status that the operator gets."""

    KILL = "kill -9"
    LOSE = "lost"
    SLOW = "slow"
    CUT = "cut"
    SILENCE = "silent"
    DROP = "dropped"
    DOUBLE = "doubled"
    REORDER = "reordered"
    CONFLICT = "409"
    GONE = "410"
    TOO_MANY = "429"
    ERROR = "500"
    TIMEOUT = "504"


class Harm(StrEnum):
    """What is done at a moment, to Redis, to the way to the API server or to the operator that leads."""

    FLUSH = "redis flushall"
    LOSE_HALF = "redis loses half of its keys"
    RESTART = "redis restarts empty"
    OOM = "redis OOM"
    READONLY = "redis READONLY"
    NOAUTH = "redis NOAUTH"
    PAUSE = "redis CLIENT PAUSE"
    STOP = "redis SIGSTOP"
    REFUSE = "redis refuses connections"
    API_OUTAGE = "API server away"
    KILL_LEADER = "leader kill -9"
    TERM_LEADER = "leader SIGTERM"
    FREEZE_LEADER = "leader SIGSTOP"
    PARTITION_LEADER = "leader cut off"


LEADER_HARMS = (Harm.KILL_LEADER, Harm.TERM_LEADER, Harm.FREEZE_LEADER, Harm.PARTITION_LEADER)


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """One build. ``at``: applied once so many Jobs were seen, 0 is before an operator starts. Times are in seconds."""

    namespace: int
    name: str
    outcome: Outcome = Outcome.SUCCEED
    seconds: float = 0.3
    priority: int = 0
    key: str | None = None
    cancel_previous: bool = False
    backoff_limit: int = 0
    run_timeout: int | None = None
    queue_timeout: int | None = None
    ttl: int | None = None
    suspended: bool = False
    at: int = 0

    def manifest(self) -> dict[str, Any]:
        """The PublishBuild, without its namespace."""
        outcome = {Outcome.GIVE_UP: "fail", Outcome.RETRY: "hold"}.get(self.outcome, self.outcome.value)
        notes = {"outcome": outcome, "seconds": str(self.seconds)}
        if self.outcome is Outcome.GIVE_UP:
            notes["exit-code"] = str(names.EXIT_GIVE_UP)
        spec = {
            "source": {"git": {"url": "https://git.example/app.git", "revision": "main"}},
            "runner": {"podAnnotations": {f"kwok.publishbuild.dev/{key}": value for key, value in notes.items()}},
            "priority": self.priority,
            "concurrencyKey": self.key,
            "concurrencyPolicy": "CancelPrevious" if self.cancel_previous else "Queue",
            "backoffLimit": self.backoff_limit,
            "runTimeoutSeconds": self.run_timeout,
            "queueTimeoutSeconds": self.queue_timeout,
            "ttlSecondsAfterFinished": self.ttl,
            "suspend": self.suspended,
        }
        return {
            "apiVersion": names.API_VERSION,
            "kind": names.KIND,
            "metadata": {"name": self.name},
            "spec": {key: value for key, value in spec.items() if value is not None},
        }


@dataclass(frozen=True, slots=True)
class UserAct:
    """``act`` on the build ``name``, once ``at`` Jobs were seen."""

    act: Act
    name: str
    at: int


@dataclass(frozen=True, slots=True)
class PointFault:
    """``do`` at the ``nth`` time (and ``times - 1`` more) that the operator comes to ``point``; ``seconds`` where slow.

    Points: see `naming.py`. ``only`` limits it to requests about the build of that name, ``by`` to the operator of that
    name (``op-a`` starts first).
    """

    point: str
    when: When
    do: Do
    nth: int = 1
    times: int = 1
    seconds: float = 0.0
    only: str | None = None
    by: str | None = None

    @property
    def kind(self) -> str:
        """By this it is counted."""
        return f"{self.point}, {self.when}: {self.do}"


@dataclass(frozen=True, slots=True)
class MomentFault:
    """``harm`` once ``at`` Jobs were seen, taken back after ``seconds`` where it can be."""

    harm: Harm
    at: int
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """One run; no two builds have one name.

    ``restart_seconds``: from an operator's end to its next start. ``end_seconds``: once no Job or pod has changed for
    so long, no build may wait or run. ``restarts_at_end``: then the operators are stopped and started once more.
    """

    title: str
    builds: tuple[BuildPlan, ...]
    acts: tuple[UserAct, ...] = ()
    points: tuple[PointFault, ...] = ()
    moments: tuple[MomentFault, ...] = ()
    namespaces: int = 1
    operators: int = 1
    limit: int = 3
    namespace_limit: int = 0
    direct: bool = False
    resync_seconds: float = 4.0
    restart_seconds: float = 0.2
    end_seconds: float = 45.0
    restarts_at_end: bool = False

    def build(self, name: str) -> BuildPlan:
        """The build of that name."""
        return next(build for build in self.builds if build.name == name)

    def acts_on(self, name: str) -> frozenset[Act]:
        """What users do to the build of that name."""
        return frozenset(act.act for act in self.acts if act.name == name)

    def lines(self) -> Iterator[str]:
        """The plan, for people."""
        yield (
            f"{self.title}: {self.operators} operator(s), {self.namespaces} namespace(s), limit {self.limit}, "
            f"per namespace {self.namespace_limit or 'none'}, on Redis outage {'direct' if self.direct else 'hold'}"
        )
        plain = BuildPlan(0, "")
        for build in self.builds:
            said = {
                field: getattr(build, field)
                for field in BuildPlan.__slots__
                if field not in ("name", "namespace", "outcome") and getattr(build, field) != getattr(plain, field)
            }
            yield f"  build {build.name} in n{build.namespace}: {build.outcome}" + "".join(
                f", {key} {value}" for key, value in said.items()
            )
        for act in self.acts:
            yield f"  user at {act.at} Jobs: {act.act} {act.name}"
        for point in self.points:
            often = f", {point.times} times" if point.times > 1 else ""
            slow = f", {point.seconds} s" if point.seconds else ""
            only = (f" of {point.only}" if point.only else "") + (f" by {point.by}" if point.by else "")
            yield f"  fault at {point.kind}{only}, number {point.nth}{often}{slow}"
        for moment in self.moments:
            yield f"  fault at {moment.at} Jobs: {moment.harm}" + (f", {moment.seconds} s" if moment.seconds else "")
