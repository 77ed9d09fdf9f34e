"""A new leader looks at all builds before it launches any: that must cost no write for each of those that wait."""

from __future__ import annotations

import pytest

from publishbuild.decide.actions import Enqueue, WakeAfter
from publishbuild.decide.next_actions import next_actions
from publishbuild.names import Phase
from tests.builders import Object, a_build, facts, reported, with_status

FULL = {"running": 10, "limit": 10}


def a_waiting_build(**fields: object) -> Object:
    """One whose status says that all places are taken."""
    build = a_build()
    status = reported(next_actions(facts(build, queue=FULL)))
    assert status is not None
    return with_status(build, status) | fields


def test_a_place_that_is_free_meanwhile_is_not_written() -> None:
    """A build that is shown as waiting takes its place in the line, and its reason is left as it is."""
    actions = next_actions(facts(a_waiting_build(), queue={"opening": True}))
    assert [type(action) for action in actions] == [Enqueue]


def test_afterwards_it_is() -> None:
    """Outside of the opening the same build would be written: the test above does not pass for another reason."""
    assert reported(next_actions(facts(a_waiting_build(), queue={}))) is not None


def test_a_new_build_is_shown_soon_after() -> None:
    """A build that has no status yet takes its place in the line and is looked at again."""
    actions = next_actions(facts(queue={"opening": True}))
    assert [type(action) for action in actions] == [Enqueue, WakeAfter]


@pytest.mark.parametrize(
    ("build", "queue"),
    [
        pytest.param(a_waiting_build(spec=a_build(priority=5)["spec"]), {}, id="changed"),
        pytest.param(a_waiting_build(), {"available": False}, id="no-redis"),
    ],
)
def test_what_cannot_wait_is_written(build: Object, queue: dict[str, object]) -> None:
    """A build that was changed, and one that waits for Redis, say so in the opening too."""
    build["metadata"]["generation"] = 1 if queue else 2
    status = reported(next_actions(facts(build, queue={"opening": True} | queue)))
    assert status is not None
    assert status.phase is Phase.QUEUED
