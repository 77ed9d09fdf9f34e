"""How long a build has waited, and since when it is held: time suspended or paused does not age."""

from __future__ import annotations

from datetime import datetime, timedelta

from publishbuild.decide.facts import Facts
from publishbuild.models.spec import PublishBuildSpec


def waited_seconds(facts: Facts) -> float:
    """Since the build was made: neither a hold nor an operator that was down stops this clock."""
    return (facts.now - facts.build.created) / timedelta(seconds=1)


def held(facts: Facts, spec: PublishBuildSpec) -> tuple[datetime | None, int]:
    """Since when the build is suspended or paused, None where it is not, and how many seconds it was held before that.

    Both are on record in the status, since nobody else remembers them through a restart.
    """
    recorded = facts.build.status.queue
    since, seconds = (recorded.held_since, recorded.held_seconds or 0) if recorded else (None, 0)
    if spec.suspend or facts.queue.paused_by is not None:
        made_suspended = recorded is None and spec.suspend and facts.build.generation == 1
        return since or (facts.build.created if made_suspended else facts.now), seconds
    if since is not None:
        seconds += max(0, round((facts.now - since) / timedelta(seconds=1)))
    return None, seconds


def is_overdue(facts: Facts, spec: PublishBuildSpec) -> bool:
    """Whether the build has waited so long, holds not counted, that it goes before all others of its namespace."""
    since, seconds = held(facts, spec)
    holding = (facts.now - since) / timedelta(seconds=1) if since else 0.0
    return 0 < facts.aging_seconds <= waited_seconds(facts) - seconds - holding
