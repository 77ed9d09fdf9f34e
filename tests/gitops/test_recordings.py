"""The recordings are what the operator of this tree writes."""

from __future__ import annotations

import pytest

from tests.gitops import recordings, states

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]  # more than twenty builds, one after another


def test_the_recordings_are_current() -> None:
    """Recorded anew, each state has the conditions that are checked in (`make record-statuses` where that is meant)."""
    fresh = {state: recordings.shape(build) for state, build in states.record().items()}
    assert fresh == {state: recordings.shape(build) for state, build in recordings.read().items()}
