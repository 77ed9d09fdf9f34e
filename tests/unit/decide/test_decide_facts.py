"""Reading builds as they are stored, good and bad."""

from __future__ import annotations

from typing import Any

import pytest

from publishbuild.decide.facts import BuildFacts
from publishbuild.decide.next_actions import next_actions
from publishbuild.names import Phase
from tests.builders import GIT_URL, a_build, facts, reported

ENDED: dict[str, Any] = {
    "phase": "Succeeded",
    "job": {"name": "pb-app-1-0a1b2c3d", "uid": "1"},
    "conditions": [
        {"type": "Succeeded", "status": "True", "reason": "Succeeded", "lastTransitionTime": "2025-06-01T12:00:00Z"},
        {"type": "Ready", "status": "True", "reason": "Succeeded", "lastTransitionTime": "2025-06-01T12:00:00Z"},
    ],
}


def test_a_build_is_read_as_stored() -> None:
    """Names, uid, generation, creation and spec come from the object."""
    read = BuildFacts.read(a_build(generation=3, profile="preview"))
    assert (read.namespace, read.name, read.generation, read.deleting) == ("shop", "app-1", 3, False)
    assert read.spec is not None
    assert read.spec.profile == "preview"
    assert read.spec_error is None


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        pytest.param(None, ("spec.source", "required"), id="no spec at all"),
        pytest.param({"source": {"git": {}}}, ("spec.source.git.url", "required"), id="no URL"),
        pytest.param(
            {"source": {"git": {"url": GIT_URL}}, "priority": 5000}, ("spec.priority", "1000", "5000"), id="priority"
        ),
        pytest.param(
            {"source": {"git": {"url": GIT_URL}}, "platform": "web"}, ("spec.platform", "ios", "web"), id="platform"
        ),
    ],
)
def test_a_bad_spec_says_where_and_why(spec: Any, words: tuple[str, ...]) -> None:
    """What is wrong is said in one line with the field's path, the rule and the value."""
    read = BuildFacts.read(a_build() | {"spec": spec})
    assert read.spec is None
    assert read.spec_error is not None
    assert "\n" not in read.spec_error
    assert all(word in read.spec_error for word in words)


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"source": {"git": {"url": "https://me:canary@git.example/a.git"}}}, id="password in the URL"),
        pytest.param({"source": {"git": {"url": "https://canary@git.example/a.git"}}}, id="token in the URL"),
        pytest.param({"source": {"git": {"url": "ssh://me:canary@git.example/a.git"}}}, id="password in an ssh URL"),
        pytest.param({"source": {"git": {"url": "http://me:canary@git.example/a.git"}}}, id="password in an http URL"),
        pytest.param({"source": {"git": {"URL": "https://me:canary@git.example/a.git"}}}, id="misspelt field"),
        pytest.param(
            {"source": {"git": {"url": GIT_URL}}, "runner": {"env": [{"value": "canary"}]}}, id="variable without name"
        ),
        pytest.param(
            {"source": {"git": {"url": GIT_URL}}, "runner": {"env": [{"name": "A", "value": "canary" * 9000}]}},
            id="value too long",
        ),
        pytest.param(
            {"source": {"git": {"url": GIT_URL}}, "runner": {"env": {"TOKEN": "canary"}}}, id="variables as a map"
        ),
    ],
)
def test_what_may_be_secret_is_never_repeated(spec: Any) -> None:
    """The line about a bad spec goes to the status, to Events and to logs: no password and no variable's value does."""
    read = BuildFacts.read(a_build(spec=spec))
    assert read.spec_error
    assert "canary" not in read.spec_error


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"phase": "Paused"}, id="a phase of a newer version"),
        pytest.param({"failedAttempts": [{"pod": "p"}]}, id="an attempt without number"),
        pytest.param({"failure": {"reason": "X"}}, id="a failure without message"),
        pytest.param({"builds": [{"platform": "ios"}]}, id="a build without id"),
        pytest.param({"startTime": "yesterday"}, id="a time that is none"),
        pytest.param(
            {
                "conditions": [
                    *ENDED["conditions"],
                    {"type": "Odd", "status": "Maybe", "reason": "X", "lastTransitionTime": "2025-06-01T12:00:00Z"},
                ]
            },
            id="somebody else's condition",
        ),
    ],
)
def test_a_build_that_has_ended_stays_ended(change: dict[str, Any]) -> None:
    """One field that cannot be read must not make an ended build start again: that would publish it twice."""
    build = a_build(status=ENDED | change)
    assert BuildFacts.read(build).status.is_terminal
    actions = next_actions(facts(build, queue={"claimed": True}))
    assert [type(action).__name__ for action in actions] == ["ReleasePlace"]


def test_a_launched_build_is_not_launched_again_for_an_unreadable_status() -> None:
    """The record of the Job survives a field that cannot be read."""
    build = a_build(status={"phase": "Paused", "job": {"name": "j", "uid": "1"}, "attempts": "many"})
    status = reported(next_actions(facts(build, queue={"claimed": True})))
    assert status is not None
    assert status.phase is Phase.FAILED


def test_an_unknown_field_is_kept_out_of_the_way() -> None:
    """What a newer operator added is ignored."""
    assert BuildFacts.read(a_build(status={"newField": {"a": 1}, "attempts": 2})).status.attempts == 2
