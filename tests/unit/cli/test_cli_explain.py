"""`publishbuild why`: the sentence, what shows it, and the commands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from publishbuild.cli.reasons import table
from publishbuild.cli.views.explain import Explanation, explain
from publishbuild.cli.views.explained import explained
from publishbuild.cli.views.sight import Sight
from publishbuild.models.base import rfc3339
from publishbuild.names import FailureReason, QueueReason
from tests.builders import NAME, NAMESPACE, NOW, Object, a_build, a_pod, at

HERE = f"-n {NAMESPACE}"


@dataclass(frozen=True)
class Entry:
    """A place in the operator's exact queue."""

    position: int
    reason: str
    eta: datetime | None = None


def condition(status: str, reason: str, message: str = "") -> Object:
    return {
        "type": "Succeeded",
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": rfc3339(NOW),
    }


def status(phase: str, said: Object, **fields: Any) -> Object:
    return {"phase": phase, "observedGeneration": 1, "conditions": [said], **fields}


def waiting(reason: str, message: str = "because of it") -> Object:
    shown = "Queued" if reason == QueueReason.WAITING else reason
    return status("Queued", condition("Unknown", shown, message), queue={"reason": reason, "position": 4})


def failed_attempt(number: int, reason: str = "NetworkError", message: str = "no route") -> Object:
    return {
        "number": number,
        "pod": f"pod-{number}",
        "exitCode": 1,
        "reason": reason,
        "message": message,
        "startTime": rfc3339(at(0)),
        "finishTime": rfc3339(at(30)),
    }


def failed(ending: str, own: str, message: str = "what it said", **fields: Any) -> Object:
    failure = {"reason": own, "message": message, "pod": "pod-1", "exitCode": 64} | fields
    said = condition("False", ending, f"the Job says {ending}")
    return status("Failed", said, failure=failure, failedAttempts=[failed_attempt(1, own, message)])


def told(build_status: Object | None, *, now: datetime = NOW, spec: Object | None = None, **seen: Any) -> Explanation:
    return explain(Sight.read(a_build(status=build_status, **(spec or {})), now, **seen))


def commands(explanation: Explanation) -> list[str]:
    return [step.command for step in explanation.steps if step.command]


def says(explanation: Explanation) -> dict[str, str]:
    return {fact.what: fact.says for fact in explanation.evidence}


@pytest.mark.parametrize("reason", list(QueueReason))
def test_a_build_that_waits_is_told_why(reason: QueueReason) -> None:
    """Each reason to wait gives its own sentence, the status's words and what to do with the build's names."""
    explanation = told(waiting(reason))
    assert explanation.cause == f"{NAME} waits: {table.WAITS[reason].cause}"
    assert "because of it" in says(explanation)["condition"]
    assert "number 4 in line" in says(explanation)["queue"]
    assert not any("{" in step.text for step in explanation.steps)


def test_the_exact_queue_is_believed_before_the_status() -> None:
    """Position, reason and time come from the operator's own queue where it can be read."""
    explanation = told(waiting("Waiting"), entry=Entry(2, "GlobalLimit", at(720)))
    assert explanation.cause == (
        f"{NAME} waits: all places of the cluster that it may take are taken; it is number 2 in line and should start"
        " in 12m"
    )


def test_a_job_that_is_refused_is_no_turn_to_wait_for() -> None:
    """A quota that keeps the Job away is told as that, and not as a queue."""
    explanation = told(waiting("Waiting", "the API server refused the Job, trying again: exceeded quota: builds"))
    assert explanation.cause == f"{NAME} waits: the API server refused its Job"
    assert "exceeded quota: builds" in says(explanation)["condition"]


def test_a_build_that_nobody_has_seen_leads_to_the_operator() -> None:
    """Without a status the operator itself is in doubt."""
    explanation = told(None)
    assert "no operator has looked at it yet" in explanation.cause
    assert commands(explanation) == [f"publishbuild doctor {HERE}"]


def test_a_change_that_is_not_taken_in_is_told() -> None:
    """A spec that is newer than the status points at the operator too."""
    explanation = explain(Sight.read(a_build(generation=2, status=waiting("GlobalLimit")), NOW))
    assert "has not taken in the last change" in says(explanation)["generation"]
    assert commands(explanation)[-1] == f"publishbuild doctor {HERE}"


def test_a_build_that_runs_says_what_it_does() -> None:
    """The runner's own sentence is the cause, and nothing is asked of the user."""
    explanation = told(status("Running", condition("Unknown", "Running", "attempt 1 runs: ios build 7 is IN_QUEUE")))
    assert explanation.cause == f"{NAME} runs: attempt 1 runs: ios build 7 is IN_QUEUE"
    assert explanation.steps[0].text.startswith("Nothing")


RUNNING = status("Running", condition("Unknown", "Running", "the pod cannot start"), attempts=1)


@pytest.mark.parametrize("word", [*table.POD_CANNOT_START, "SomethingNew"])
def test_a_pod_that_cannot_start_is_told(word: str) -> None:
    """Each word with which a pod waits, known or not, names the pod and gives a way out."""
    is_event = word in {"FailedMount", "FailedCreatePodSandBox"}
    pod = a_pod(waiting="ContainerCreating" if is_event else word, waiting_message="its words")
    if word == "Unschedulable":
        pod = a_pod(unschedulable="0/3 nodes are available: insufficient memory")
    events = [{"reason": word, "message": "MountVolume failed", "involvedObject": {"uid": pod["metadata"]["uid"]}}]
    explanation = told(RUNNING, pods=[pod], events=events if is_event else ())
    reason = table.POD_CANNOT_START.get(word)
    assert explanation.cause == f"{NAME} cannot start: {reason.cause if reason else 'its pod waits with SomethingNew'}"
    assert pod["metadata"]["name"] in says(explanation)["pod"]
    assert any(command.startswith("publishbuild cancel") for command in commands(explanation))


def test_a_missing_secret_is_named() -> None:
    """The command that makes the missing Secret has the name that the spec asks for."""
    pod = a_pod(waiting="CreateContainerConfigError", waiting_message='secret "expo-shop" not found')
    explanation = told(RUNNING, pods=[pod], spec={"credentialsSecretRef": {"name": "expo-shop"}})
    assert commands(explanation)[0] == f"kubectl create secret generic expo-shop {HERE} --from-literal=EXPO_TOKEN=…"


@pytest.mark.parametrize(("seconds", "when"), [(34, "about in 6s"), (120, "any moment now")])
def test_a_retry_counts_down(seconds: int, when: str) -> None:
    """Between two attempts the time to the next is told as Kubernetes backs off, with what went wrong and how often."""
    said = condition("Unknown", "Retrying", "attempt 1 failed (NetworkError): no route")
    explanation = told(status("Retrying", said, failedAttempts=[failed_attempt(1)]), now=at(seconds))
    assert explanation.cause == (
        f"{NAME} is tried again {when} (attempt 2 of 4), since the last attempt failed: a server could not be reached"
    )
    assert "NetworkError: no route" in says(explanation)["attempt 1"]


def test_the_pauses_of_a_retry_grow() -> None:
    """The second retry comes 20 s after the failure, as Kubernetes doubles its pauses."""
    said = condition("Unknown", "Retrying", "attempt 2 failed")
    attempts = [failed_attempt(1), failed_attempt(2)]
    assert says(told(status("Retrying", said, failedAttempts=attempts), now=at(30)))["next attempt"] == "about in 20s"


@pytest.mark.parametrize("own", sorted(table.ATTEMPT_FAILED))
def test_a_failure_of_the_runner_is_told_in_its_words(own: str) -> None:
    """Whatever the runner gives as its reason explains the failure, before how Kubernetes ended the Job."""
    explanation = told(failed("PodFailurePolicy", own))
    assert explanation.cause == f"{NAME} failed: {table.ATTEMPT_FAILED[own].cause}"
    assert says(explanation)["attempt 1"].endswith(f"{own}: what it said")


@pytest.mark.parametrize("ending", sorted(set(FailureReason) - {FailureReason.CANCELLED}))
def test_an_ending_without_words_of_the_runner_is_told(ending: str) -> None:
    """Where no runner has spoken, the reason of the condition explains the end."""
    explanation = told(failed(ending, ending))
    assert explanation.cause.startswith(f"{NAME} failed: {table.ENDED[ending].cause}")


def test_a_tool_of_the_users_own_is_quoted() -> None:
    """A reason that only another tool knows is shown with its message."""
    explanation = told(failed("BackoffLimitExceeded", "FastlaneFailed", "lane beta failed"))
    assert "(lane beta failed)" in explanation.cause


def test_an_eas_error_shows_its_code_and_page() -> None:
    """A build that failed on EAS shows EAS's error code and where its log is."""
    message = "the ios build 7 ended ERRORED, XCODE_BUILD_ERROR: see the log"
    build = {"platform": "ios", "id": "7", "status": "ERRORED", "logsURL": "https://expo.dev/b/7"}
    explanation = told(failed("PodFailurePolicy", "BuildErrored", message, logTail="one\ntwo") | {"builds": [build]})
    shown = says(explanation)
    assert shown["EAS error"] == "XCODE_BUILD_ERROR"
    assert shown["ios build"] == "7 ERRORED, https://expo.dev/b/7"
    assert explanation.steps[0].text == "Read the build's log on EAS: https://expo.dev/b/7"
    assert [fact.says for fact in explanation.evidence if fact.what == "log"] == ["one", "two"]


def test_nothing_is_said_twice() -> None:
    """The failure and the Events add nothing where an attempt or the condition has said the same."""
    events = [
        {"reason": "AttemptFailed", "message": "attempt 1 in pod pod-1 failed (BuildErrored): what it said"},
        {"reason": "Failed", "message": "PodFailurePolicy: the Job says PodFailurePolicy"},
        {"reason": "Scheduled", "message": "assigned to node-1", "lastTimestamp": rfc3339(NOW)},
    ]
    explanation = told(failed("PodFailurePolicy", "BuildErrored"), now=at(60), events=events)
    assert [fact.what for fact in explanation.evidence] == ["condition", "attempt 1", "event"]
    assert says(explanation)["event"] == "60s ago Scheduled: assigned to node-1"


def test_a_cancelled_build_says_by_whom() -> None:
    """A cancelled build repeats who asked for it."""
    explanation = told(status("Cancelled", condition("False", "Cancelled", "stopped by spec.cancel")))
    assert explanation.cause == f"{NAME} was cancelled: stopped by spec.cancel"


def test_a_build_that_is_being_cancelled_asks_for_nothing() -> None:
    """Until the pods have ended there is nothing to do but wait."""
    explanation = told(status("Cancelling", condition("Unknown", "Cancelling", "waits for the pods to end")))
    assert explanation.cause == f"{NAME} is being cancelled: waits for the pods to end"


def test_a_published_build_says_where_it_is() -> None:
    """Success names the versions, the built apps and the pages of the stores."""
    ends = {
        "builds": [
            {
                "platform": "ios",
                "id": "7",
                "status": "FINISHED",
                "appVersion": "1.2.0",
                "appBuildVersion": "9",
                "artifactURL": "https://expo.dev/a.ipa",
            }
        ],
        "submissions": [{"platform": "ios", "id": "8", "status": "FINISHED", "url": "https://expo.dev/s/8"}],
    }
    explanation = told(status("Succeeded", condition("True", "Succeeded", "published at attempt 1"), **ends))
    assert explanation.cause == f"{NAME} succeeded at attempt 1: ios 1.2.0 (9)"
    texts = [step.text for step in explanation.steps]
    assert texts[0].endswith("https://expo.dev/a.ipa")
    assert texts[1].endswith("https://expo.dev/s/8")


def test_commands_reach_the_same_cluster() -> None:
    """A cluster that the user has named is named in each command as well."""
    explanation = told(waiting("Suspended"), where=" --context prod")
    assert commands(explanation) == [f"publishbuild resume {NAME} {HERE} --context prod"]


def test_commands_are_never_broken() -> None:
    """However narrow the terminal, a command stays on a line of its own, and no sentence is wider than the terminal."""
    explanation = told(waiting("GlobalLimit", "word " * 60))
    lines = explained(explanation, 60).plain.splitlines()
    for command in commands(explanation):
        assert command in [line.strip() for line in lines]
    assert all(len(line) <= 60 for line in lines if line.strip() not in commands(explanation))


def test_programs_read_a_fact_a_line() -> None:
    """Without a terminal no sentence is broken, so that it can be searched for."""
    explanation = told(waiting("GlobalLimit", "word " * 60))
    assert f"Succeeded=Unknown, GlobalLimit: {'word ' * 60}".strip() in explained(explanation, None).plain
