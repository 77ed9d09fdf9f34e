"""What the stand-in remembers: builds, submissions, uploads, version numbers. Time is handed in; nothing ticks.

A build's status is worked out from its age when somebody asks, so no task runs in the background and a test that
sets short stages sees every status in order.
"""

from __future__ import annotations

import uuid
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

SLUG = "publishbuild-example"
ACCOUNT = "standin"

SUBMISSION_ERROR = {
    "errorCode": "SUBMISSION_SERVICE_UNKNOWN_ERROR",
    "message": "The stand-in was told to fail.",
    "canRetry": True,
}
# What the stores say to a version that is there already.
VERSION_USED = {
    "errorCode": "SUBMISSION_SERVICE_COMMON_OLD_VERSION_CODE_ERROR",
    "message": "You've already submitted this version of the app.",
    "canRetry": False,
}


@dataclass
class Stages:
    """How long each status lasts, in seconds. Changed through ``/standin/settings``."""

    new: float = 0.5
    in_queue: float = 1.0
    in_progress: float = 2.5
    submission_in_queue: float = 0.5
    submission_in_progress: float = 1.5

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Stages:
        """The defaults, each changed by ``STANDIN_SECONDS_<STAGE>`` (``STANDIN_SECONDS_IN_PROGRESS=60``)."""
        prefix = "STANDIN_SECONDS_"
        names = (name for name in vars(cls()) if prefix + name.upper() in environment)
        return cls(**{name: float(environment[prefix + name.upper()]) for name in names})


@dataclass
class Build:
    """One build that somebody would have paid for."""

    id: str
    platform: str
    profile: str
    message: str
    created: float
    stages: Stages
    outcome: str
    metadata: dict[str, Any]
    app_build_version: str | None = None
    canceled_at: float | None = None

    def status_at(self, now: float) -> str:
        """EAS's own word for where the build stands at ``now``."""
        if self.canceled_at is not None:
            return "CANCELED"
        age = now - self.created
        for status, lasts in (
            ("NEW", self.stages.new),
            ("IN_QUEUE", self.stages.in_queue),
            ("IN_PROGRESS", self.stages.in_progress),
        ):
            if age < lasts:
                return status
            age -= lasts
        return self.outcome


@dataclass
class Submission:
    """One submission to a store."""

    id: str
    platform: str
    build_id: str | None
    config: dict[str, Any]
    created: float
    stages: Stages
    outcome: str = "FINISHED"
    error: dict[str, Any] | None = None
    canceled_at: float | None = None

    def status_at(self, now: float) -> str:
        """EAS's own word for where the submission stands at ``now``."""
        if self.canceled_at is not None:
            return "CANCELED"
        age = now - self.created
        if age < self.stages.submission_in_queue:
            return "IN_QUEUE"
        if age < self.stages.submission_in_queue + self.stages.submission_in_progress:
            return "IN_PROGRESS"
        return self.outcome


@dataclass
class World:
    """Everything the stand-in knows; gone when it stops."""

    clock: Callable[[], float]
    base_url: str = "http://127.0.0.1:3000"
    stages: Stages = field(default_factory=Stages)
    next_outcomes: list[str] = field(default_factory=list)
    next_submission_outcomes: list[str] = field(default_factory=list)
    builds: dict[str, Build] = field(default_factory=dict)
    submissions: dict[str, Submission] = field(default_factory=dict)
    uploads: dict[str, int] = field(default_factory=dict)
    versions: dict[tuple[str, str], int] = field(default_factory=dict)
    operations: Counter[str] = field(default_factory=Counter)
    submission_error: dict[str, Any] = field(default_factory=lambda: dict(SUBMISSION_ERROR))
    requests: deque[str] = field(default_factory=lambda: deque(maxlen=500))

    def now(self) -> float:
        return self.clock()

    def forget(self) -> None:
        """Start again with nothing, keeping the stage durations."""
        for memory in (
            self.builds,
            self.submissions,
            self.uploads,
            self.versions,
            self.operations,
            self.next_outcomes,
            self.next_submission_outcomes,
            self.requests,
        ):
            memory.clear()
        self.submission_error = dict(SUBMISSION_ERROR)

    def iso(self, moment: float) -> str:
        return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def create_build(self, platform: str, metadata: dict[str, Any], job: dict[str, Any]) -> Build:
        """Remember a new build; a profile named ``errored`` or ``canceled`` decides how it ends."""
        profile = str(metadata.get("buildProfile") or "production")
        outcome = {"errored": "ERRORED", "canceled": "CANCELED"}.get(profile, "FINISHED")
        if self.next_outcomes:
            outcome = self.next_outcomes.pop(0)
        version = job.get("version") or {}
        build = Build(
            id=str(uuid.uuid4()),
            platform=platform,
            profile=profile,
            message=str(metadata.get("message") or ""),
            created=self.now(),
            stages=Stages(**vars(self.stages)),
            outcome=outcome,
            metadata=metadata,
            app_build_version=version.get("versionCode") or version.get("buildNumber"),
        )
        self.builds[build.id] = build
        return build

    def create_submission(self, platform: str, build_id: str | None, config: dict[str, Any]) -> Submission:
        """Remember a new submission; a store takes a build once, so a second one of the same build ends ERRORED."""
        outcome = self.next_submission_outcomes.pop(0) if self.next_submission_outcomes else "FINISHED"
        error = dict(self.submission_error)
        taken = {"AWAITING_BUILD", "IN_QUEUE", "IN_PROGRESS", "FINISHED"}
        if any(s.build_id == build_id and s.status_at(self.now()) in taken for s in self.submissions.values()):
            outcome, error = "ERRORED", dict(VERSION_USED)
        submission = Submission(
            id=str(uuid.uuid4()),
            platform=platform,
            build_id=build_id,
            config=config,
            created=self.now(),
            stages=Stages(**vars(self.stages)),
            outcome=outcome,
            error=error,
        )
        self.submissions[submission.id] = submission
        return submission
