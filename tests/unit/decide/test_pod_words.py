"""A pod's report is read first and redacted then: no word in it costs the report."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishbuild.decide import attempts
from publishbuild.decide.facts import PodFacts
from publishbuild.decide.pod_words import DEEPEST, MOST_VALUES, redacted_words
from publishbuild.redaction import HIDDEN, LONGEST_TEXT
from publishbuild.runner.result import BuildResult, FailureResult, RunResult
from tests.builders import COMMIT, a_pod

BUILDS = (BuildResult(platform="android", id="build-1", status="ERRORED", logs_url="https://expo.dev/builds/1"),)
TAILS = [
    'storePassword="***"',
    "storePassword='canary'",
    'keyPassword = "canary',
    '{"password":"canary"}',
    '{\\"token\\": \\"canary\\"',
    '"credentials": {"p12": 1}',
    'secret: ["x"]',
    "https://user:canary@host/\n\\",
    "-----BEGIN PRIVATE KEY-----\ncanary",
    'Authorization: Bearer canary-1"',
    "token=\\",
    "password: }",
]  # fmt: skip


def a_report(tail: str) -> str:
    failure = FailureResult(reason="BuildErrored", message="Gradle failed")
    return RunResult(commit=COMMIT, builds=BUILDS, failure=failure, log_tail=tail).to_message()


def report_of(message: str) -> RunResult | None:
    return attempts.report_of(PodFacts.read(a_pod(exit_code=64, message=message)))


def assert_whole(said: RunResult | None) -> None:
    assert said is not None
    assert said.failure is not None
    assert (said.commit, said.builds, said.failure.reason) == (COMMIT, BUILDS, "BuildErrored")


@pytest.mark.parametrize("tail", TAILS)
def test_no_secret_in_the_log_costs_the_report(tail: str) -> None:
    """Reason, commit and the builds that were paid for are known whatever the log's last lines hold; no secret is."""
    said = report_of(a_report(tail))
    assert_whole(said)
    assert "canary" not in str(said)


@given(st.lists(st.sampled_from([*TAILS, '"', "\\", "token=", "{", "\n"]) | st.text()).map("".join))
def test_no_text_in_the_log_costs_the_report(tail: str) -> None:
    """The same for any text at all, also one that no stream could take."""
    assert_whole(report_of(a_report(tail)))


def test_the_report_of_another_tool_is_redacted_by_its_names() -> None:
    """A string under a secret's name goes as a whole, a count and a flag stay, and it is JSON still."""
    said = {
        "password": "canary with spaces",
        "tokens": ["canary-1", "canary-2"],
        "pin": {"secret": 1234, "secrets": 3, "hasToken": True, "token": None},
        "ghp_canary1234": "EXPO_TOKEN=canary",
    }
    assert json.loads(redacted_words(json.dumps(said))) == {
        "password": HIDDEN,
        "tokens": [HIDDEN, HIDDEN],
        "pin": {"secret": HIDDEN, "secrets": 3, "hasToken": True, "token": None},
        HIDDEN: f"EXPO_TOKEN={HIDDEN}",
    }


@pytest.mark.parametrize(
    "text",
    [
        "[" * LONGEST_TEXT,
        '{"a":' * 3000,
        '{"a":' * (DEEPEST + 1) + '"EXPO_TOKEN=canary"' + "}" * (DEEPEST + 1),
        json.dumps({"all": ["EXPO_TOKEN=canary"] * MOST_VALUES}),
        '{"commit":"a", "n": ' + "9" * 6000 + ', "t": "EXPO_TOKEN=canary"}',
        '{"n": NaN, "t": "EXPO_TOKEN=canary"}',
        '{"t": "\\ud800 EXPO_TOKEN=canary"}',
        '{"cut": "EXPO_TOKEN=canary',
        json.dumps({"long": "EXPO_TOKEN=canary " * LONGEST_TEXT}),
    ],
)
def test_what_is_no_report_is_redacted_as_a_text(text: str) -> None:
    """Neither depth nor length nor a number without end raises, and no secret comes through."""
    said = redacted_words(text)
    assert "canary" not in said
    assert len(said) <= 3 * LONGEST_TEXT
    said.encode()


def test_a_report_without_secrets_stays_as_it_is() -> None:
    """Not a byte is changed where nothing is hidden."""
    report = '{ "commit": "0123456789abcdef",  "message": "built \\u00e9" }'
    assert redacted_words(report) == report
