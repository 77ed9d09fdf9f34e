"""What is remembered of a build: all that decisions need, in little memory once it has ended."""

from __future__ import annotations

from typing import Literal

import pytest

from publishbuild.cluster.record import Record
from publishbuild.decide.actions import ReleasePlace
from publishbuild.decide.conditions import Verdict, conditions
from publishbuild.decide.facts import BuildFacts, Facts, QueueFacts
from publishbuild.decide.next_actions import next_actions
from publishbuild.models.status import PublishBuildStatus
from publishbuild.names import Phase
from tests.builders import IMAGE, NOW, Object, a_build, at

ENDS: dict[Phase, Literal["True", "False"]] = {Phase.SUCCEEDED: "True", Phase.FAILED: "False", Phase.CANCELLED: "False"}


def an_ended(phase: Phase, *, observed: int = 1, generation: int = 1) -> Object:
    said = Verdict(ENDS[phase], phase, "ended")
    status = PublishBuildStatus(
        observed_generation=observed,
        phase=phase,
        completion_time=at(600),
        conditions=conditions((), said, generation=observed, now=at(600)),
    )
    return a_build(generation=generation, status=status)


@pytest.mark.parametrize("build", [a_build(), an_ended(Phase.SUCCEEDED)], ids=["waiting", "ended"])
def test_all_that_a_decision_needs_is_kept(build: Object) -> None:
    """Whether it waits or has ended, a build is remembered as it was seen."""
    assert BuildFacts.read(Record(build, NOW).build) == BuildFacts.read(build)


@pytest.mark.parametrize("phase", ENDS)
def test_a_settled_build_without_a_job_needs_no_decision(phase: Phase) -> None:
    """Builds that are passed over at a start are those for which nothing would be decided but to hold no place."""
    record = Record(an_ended(phase), NOW)
    assert record.is_settled
    facts = Facts(now=NOW, build=BuildFacts.read(record.build), queue=QueueFacts(entered=NOW), runner_image=IMAGE)
    assert next_actions(facts) == (ReleasePlace(),)


def test_a_spec_that_was_changed_after_the_end_is_looked_at() -> None:
    """A build whose status does not show its last generation is not passed over: kstatus waits for that."""
    record = Record(an_ended(Phase.FAILED, generation=2), NOW)
    assert record.has_ended
    assert not record.is_settled
    record.update(an_ended(Phase.FAILED, observed=2, generation=2))
    assert record.is_settled
