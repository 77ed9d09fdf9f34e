"""A pod's report is read first and redacted then: no word in it costs the report."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishbuild.decide import attempts
from publishbuild.decide.facts import PodFacts
from publishbuild.decide.next_actions import next_actions
from publishbuild.decide.pod_words import DEEPEST, MOST_VALUES, redacted_words
from publishbuild.models.status import PublishBuildStatus
from publishbuild.redaction import HIDDEN, LONGEST_TEXT
from publishbuild.runner.result import BuildResult, FailureResult, RunResult
from tests.builders import COMMIT, a_build, a_job, a_pod, events, facts, reported, trouble
from tests.support.hostile_texts import HOSTILE, MARK, unsafe

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


def strings(status: PublishBuildStatus | None) -> list[str]:
    """Each text in it."""

    def within(value: object) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from (text for item in value.values() for text in within(item))
        elif isinstance(value, list | tuple):
            yield from (text for item in value for text in within(item))

    return list(within(status.model_dump() if status else {}))


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


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("is_report", [True, False])
def test_a_status_is_safe_to_print(name: str, is_report: bool) -> None:
    """Whatever a pod says, and the API server quotes, kubectl shows it: no part of a status acts on a terminal."""
    words = HOSTILE[name]
    build = BuildResult(platform=words, id=words, status=words, logs_url=words, artifact_url=words)
    report = RunResult(
        commit=words, builds=(build,), failure=FailureResult(reason=words, message=words), log_tail=f"one\n{words}"
    )
    job = a_job(failed="BackoffLimitExceeded", failed_message=words, failed_pods=1)
    pod = a_pod(exit_code=1, message=report.to_message() if is_report else words)
    actions = next_actions(facts(a_build(), job=job, pods=[pod]))
    ended, waits = reported(actions), facts(a_build(), launch_trouble=trouble(message=words))
    shown = [*strings(ended), *(event.message for event in events(actions))]
    assert any(MARK in text for text in shown)
    assert unsafe("".join([*shown, *strings(reported(next_actions(waits)))])) == []


def test_a_colour_hides_no_secret() -> None:
    """What is coloured in the middle of a secret, or of its name, is redacted as without the colour."""
    for words in ("EXPO_\x1b[1mTOKEN\x1b[0m=canary", "ghp_\x1b[31mcanary0123456789"):
        for text in (words, json.dumps({"message": words})):
            assert "canary" not in redacted_words(text)


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
