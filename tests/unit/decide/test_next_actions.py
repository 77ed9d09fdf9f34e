"""The life of a build as `next_actions` decides it, state by state."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from publishbuild.decide import actions as do
from publishbuild.decide.events import events_between
from publishbuild.decide.facts import BuildFacts, Facts
from publishbuild.decide.next_actions import QUIET_SECONDS, next_actions
from publishbuild.models.status import PublishBuildStatus
from publishbuild.names import EventReason, Phase
from tests.builders import (
    COMMIT,
    JOB_UID,
    NOW,
    UID,
    Object,
    a_build,
    a_job,
    a_message,
    a_pod,
    at,
    events,
    facts,
    reported,
    trouble,
    with_status,
)


def shown(status: PublishBuildStatus | None) -> dict[str, str]:
    """Each condition's status by its type."""
    assert status is not None
    return {condition.type: condition.status for condition in status.conditions}


def shown_message(status: PublishBuildStatus) -> str:
    succeeded = status.condition("Succeeded")
    assert succeeded is not None
    return succeeded.message


def kinds(actions: do.Action | tuple[do.Action, ...]) -> list[str]:
    return [type(action).__name__ for action in (actions if isinstance(actions, tuple) else (actions,))]


def told(given: Facts) -> PublishBuildStatus:
    status = reported(next_actions(given))
    assert status is not None
    return status


QUEUED = {"Succeeded": "Unknown", "Ready": "False", "Reconciling": "True"}
SUCCEEDED = {"Succeeded": "True", "Ready": "True"}
FAILED = {"Succeeded": "False", "Ready": "False", "Stalled": "True"}

FAILED_POD = a_pod(1, exit_code=1, message=a_message(failure=("GitFailed", "the host does not answer")))
LOST_JOB = {"job": {"name": "pb-app-1-0a1b2c3d", "uid": JOB_UID}, "phase": "Running"}


def state(build: Object | None = None, **given: Any) -> Facts:
    return facts(build, **given)


STATES = [
    pytest.param(state(), Phase.QUEUED, "Queued", QUEUED, id="waiting"),
    pytest.param(state(a_build(suspend=True)), Phase.SUSPENDED, "Suspended", QUEUED, id="suspended"),
    pytest.param(
        state(queue={"available": False}), Phase.QUEUED, "RedisUnavailable", QUEUED, id="held while Redis is away"
    ),
    pytest.param(
        state(a_build(concurrencyKey="prod"), queue={"key_busy": True}),
        Phase.QUEUED,
        "ConcurrencyKeyBusy",
        QUEUED,
        id="key busy",
    ),
    pytest.param(
        state(queue={"running_in_namespace": 2, "namespace_limit": 2}),
        Phase.QUEUED,
        "NamespaceLimit",
        QUEUED,
        id="namespace full",
    ),
    pytest.param(state(queue={"running": 10}), Phase.QUEUED, "GlobalLimit", QUEUED, id="all places taken"),
    pytest.param(state(launch_trouble=trouble()), Phase.QUEUED, "Queued", QUEUED, id="launch refused, tried again"),
    pytest.param(state(job=a_job(), pods=[a_pod(1)]), Phase.RUNNING, "Running", QUEUED, id="running"),
    pytest.param(state(job=a_job()), Phase.RUNNING, "Running", QUEUED, id="running, no pod yet"),
    pytest.param(
        state(a_build(suspend=True), job=a_job(), pods=[a_pod(1)]),
        Phase.RUNNING,
        "Running",
        QUEUED,
        id="suspend lets a running one go on",
    ),
    pytest.param(state(job=a_job(), pods=[FAILED_POD]), Phase.RETRYING, "Retrying", QUEUED, id="between two attempts"),
    pytest.param(
        state(job=a_job(), pods=[a_pod(1, exit_code=64)]),
        Phase.RUNNING,
        "Running",
        QUEUED,
        id="gave up, Job not told yet",
    ),
    pytest.param(
        state(job=a_job(), pods=[FAILED_POD, a_pod(2)]), Phase.RUNNING, "Running", QUEUED, id="second attempt runs"
    ),
    pytest.param(
        state(a_build(cancel=True), job=a_job(), pods=[a_pod(1)]), Phase.CANCELLING, "Cancelling", QUEUED, id="stopping"
    ),
    pytest.param(
        state(a_build(cancel=True), job=a_job(deleting=True)),
        Phase.CANCELLING,
        "Cancelling",
        QUEUED,
        id="still stopping",
    ),
    pytest.param(
        state(job=a_job(deleting=True)), Phase.RUNNING, "Running", QUEUED, id="Job deleted by hand, not yet gone"
    ),
    pytest.param(
        state(job=a_job(complete=True, succeeded_pods=1), pods=[a_pod(1, exit_code=0)]),
        Phase.SUCCEEDED,
        "Succeeded",
        SUCCEEDED,
        id="succeeded",
    ),
    pytest.param(
        state(a_build(cancel=True), job=a_job(complete=True)),
        Phase.SUCCEEDED,
        "Succeeded",
        SUCCEEDED,
        id="cancel comes too late",
    ),
    pytest.param(
        state(job=a_job(failed="BackoffLimitExceeded", failed_pods=1), pods=[FAILED_POD]),
        Phase.FAILED,
        "BackoffLimitExceeded",
        FAILED,
        id="all attempts failed",
    ),
    pytest.param(
        state(job=a_job(failed="DeadlineExceeded")), Phase.FAILED, "DeadlineExceeded", FAILED, id="ran too long"
    ),
    pytest.param(
        state(job=a_job(failed="PodFailurePolicy")), Phase.FAILED, "PodFailurePolicy", FAILED, id="gave up at once"
    ),
    pytest.param(state(job=a_job(failed="")), Phase.FAILED, "JobFailed", FAILED, id="Job failed without a reason"),
    pytest.param(
        state(a_build(queueTimeoutSeconds=5)), Phase.FAILED, "QueueTimeout", FAILED, id="waited longer than allowed"
    ),
    pytest.param(
        state(a_build(queueTimeoutSeconds=5), queue={"claimed": True}),
        Phase.FAILED,
        "QueueTimeout",
        FAILED,
        id="its place came too late",
    ),
    pytest.param(
        state(a_build(suspend=True, queueTimeoutSeconds=5)), Phase.SUSPENDED, "Suspended", QUEUED, id="held for long"
    ),
    pytest.param(state(a_build(spec={})), Phase.FAILED, "InvalidSpec", FAILED, id="no source"),
    pytest.param(
        state(launch_trouble=trouble(final=True)), Phase.FAILED, "InvalidSpec", FAILED, id="API server refuses the Job"
    ),
    pytest.param(state(a_build(status=LOST_JOB)), Phase.FAILED, "JobDeleted", FAILED, id="Job is gone"),
    pytest.param(
        state(a_build(spec={}, status=LOST_JOB)), Phase.FAILED, "JobDeleted", FAILED, id="Job is gone, spec unreadable"
    ),
    pytest.param(state(a_build(cancel=True)), Phase.CANCELLED, "Cancelled", FAILED, id="cancelled while it waited"),
    pytest.param(
        state(a_build(cancel=True), queue={"claimed": True}),
        Phase.CANCELLED,
        "Cancelled",
        FAILED,
        id="cancelled at the moment of its launch",
    ),
    pytest.param(
        state(a_build(cancel=True, status=LOST_JOB)), Phase.CANCELLED, "Cancelled", FAILED, id="cancelled and stopped"
    ),
    pytest.param(
        state(a_build(cancel=True), job=a_job(failed="BackoffLimitExceeded", deleting=True)),
        Phase.CANCELLED,
        "Cancelled",
        FAILED,
        id="the kill of a cancelled attempt is not a failure of the build",
    ),
]


@pytest.mark.parametrize(("given", "phase", "reason", "conditions"), STATES)
def test_each_state_has_its_phase_reason_and_conditions(
    given: Facts, phase: Phase, reason: str, conditions: dict[str, str]
) -> None:
    """Every state shows the phase, the reason and exactly the conditions of the contract's table."""
    status = told(given)
    succeeded = status.condition("Succeeded")
    assert succeeded is not None
    assert (status.phase, succeeded.reason) == (phase, reason)
    assert shown(status) == conditions
    assert all(condition.message for condition in status.conditions), "people are told why"


@pytest.mark.parametrize(("given", "phase", "reason", "conditions"), STATES)
def test_a_reported_status_is_a_fixpoint(given: Facts, phase: Phase, reason: str, conditions: dict[str, str]) -> None:
    """Once a status is stored, deciding again on the same facts writes nothing and posts nothing."""
    del phase, reason, conditions
    status = told(given)
    build = with_status(_object_of(given), status)
    again = next_actions(_with(given, build))
    assert reported(again) is None
    assert events(again) == []


@pytest.mark.parametrize(("given", "phase", "reason", "conditions"), STATES)
def test_the_status_comes_before_its_events(
    given: Facts, phase: Phase, reason: str, conditions: dict[str, str]
) -> None:
    """One status write at most, and no event before the write that it speaks of."""
    del phase, reason, conditions
    names = kinds(next_actions(given))
    assert names.count("ReportStatus") == 1
    if "EmitEvent" in names:
        assert names.index("EmitEvent") > names.index("ReportStatus")


def _object_of(given: Facts) -> Object:
    build = given.build
    return a_build(
        name=build.name,
        namespace=build.namespace,
        uid=build.uid,
        generation=build.generation,
        created=build.created,
        spec=build.spec.to_wire() if build.spec else {},
        status=build.status,
    )


def _with(given: Facts, build: Object) -> Facts:
    again = facts(build, now=given.now + timedelta(seconds=1), queue=given.queue, launch_trouble=given.trouble)
    return Facts(
        now=again.now,
        build=again.build,
        queue=again.queue,
        runner_image=again.runner_image,
        job=given.job,
        pods=given.pods,
        trouble=given.trouble,
    )


class TestWaiting:
    def test_a_fresh_build_is_enqueued_and_kept_quiet_for_a_moment(self) -> None:
        """A build that may get its place at once is enqueued without a status write."""
        actions = next_actions(facts(now=at(0.1)))
        assert kinds(actions) == ["Enqueue", "WakeAfter"]
        wake = actions[-1]
        assert isinstance(wake, do.WakeAfter)
        assert wake.seconds == pytest.approx(QUIET_SECONDS - 0.1)

    def test_the_quiet_period_ends(self) -> None:
        """A build that still waits after the quiet period says so."""
        assert told(facts(now=at(QUIET_SECONDS))).phase is Phase.QUEUED

    def test_the_quiet_period_begins_with_the_place_in_line(self) -> None:
        """A build whose first look came late, behind thousands of others, gets the chance of a turn all the same."""
        actions = next_actions(facts(now=at(5), queue={"in_line": False}))
        assert kinds(actions) == ["Enqueue", "WakeAfter"]
        wake = actions[-1]
        assert isinstance(wake, do.WakeAfter)
        assert wake.seconds == pytest.approx(QUIET_SECONDS)

    def test_no_quiet_period_while_redis_is_away(self) -> None:
        """That Redis is away is shown at once, not after the quiet period."""
        assert told(facts(now=at(0.1), queue={"available": False})).phase is Phase.QUEUED

    def test_a_build_that_was_seen_before_gets_no_quiet_period(self) -> None:
        """A resumed build is shown as Queued at once."""
        build = a_build(status={"phase": "Suspended", "queue": {"enqueuedTime": "2025-06-01T12:00:00.000000Z"}})
        assert told(facts(build, now=at(0.1))).phase is Phase.QUEUED

    def test_direct_mode_is_not_shown_as_an_outage(self) -> None:
        """With `direct`, a build does not say that it waits for Redis."""
        status = told(facts(queue={"available": False, "direct": True}))
        assert status.queue is not None
        assert status.queue.reason == "Waiting"

    def test_position_and_time_are_shown(self) -> None:
        """The status carries position, time of entering and reason."""
        status = told(facts(queue={"position": 3}))
        assert status.to_wire()["queue"] == {
            "position": 3,
            "enqueuedTime": "2025-06-01T12:00:00.000000Z",
            "reason": "Waiting",
        }

    def test_an_unknown_position_keeps_the_one_shown(self) -> None:
        """A restarted operator that has no positions yet does not blank the shown one."""
        build = with_status(a_build(), told(facts(queue={"position": 3})))
        assert reported(next_actions(facts(build))) is None

    def test_another_position_waits_until_it_is_due(self) -> None:
        """Each launch moves all who wait: that alone is shown within a budget, and with any other news at once."""
        build = with_status(a_build(), told(facts(queue={"position": 3})))
        moved = {"position": 2, "may_move": False}
        assert reported(next_actions(facts(build, queue=moved))) is None
        full = told(facts(build, queue=moved | {"running": 10}))
        assert full.queue is not None
        assert (full.queue.position, full.queue.reason) == (2, "GlobalLimit")
        due = told(facts(build, queue=moved | {"may_move": True}))
        assert due.queue is not None
        assert due.queue.position == 2

    def test_a_suspended_build_leaves_the_line(self) -> None:
        """A suspended build releases its place and shows no position."""
        build = with_status(a_build(suspend=True), told(facts(queue={"position": 3})))
        actions = next_actions(facts(build, queue={"position": 3}))
        status = reported(actions)
        assert kinds(actions)[0] == "ReleasePlace"
        assert "Enqueue" not in kinds(actions)
        assert status is not None
        assert status.queue is not None
        assert status.queue.position is None

    def test_a_claim_does_not_launch_a_suspended_build(self) -> None:
        """A claim that arrives after spec.suspend was set is given back."""
        actions = next_actions(facts(a_build(suspend=True), queue={"claimed": True}))
        assert "LaunchJob" not in kinds(actions)
        assert kinds(actions)[0] == "ReleasePlace"

    def test_queue_timeout_wakes_in_time(self) -> None:
        """A build with a queue timeout is looked at again when that is over, although nothing happens."""
        actions = next_actions(facts(a_build(queueTimeoutSeconds=60), now=at(20)))
        assert do.WakeAfter(40.0) in actions

    def test_queue_timeout_counts_from_creation(self) -> None:
        """An operator that was down does not stop the clock of the queue timeout."""
        given = facts(a_build(queueTimeoutSeconds=60, created=at(-60)), now=at(0.1))
        assert told(given).phase is Phase.FAILED

    def test_queue_timeout_never_hits_a_launched_build(self) -> None:
        """Once launched, the queue timeout is over."""
        given = facts(a_build(queueTimeoutSeconds=5), job=a_job(), pods=[a_pod(1)], now=at(1000))
        assert told(given).phase is Phase.RUNNING

    def test_resume_is_said_once(self) -> None:
        """A resumed build posts Requeued."""
        held = with_status(a_build(), told(facts(a_build(suspend=True))))
        posted = events(next_actions(facts(held)))
        assert [event.reason for event in posted] == [EventReason.REQUEUED]


class TestLaunch:
    def test_a_claim_launches_the_job_and_nothing_else(self) -> None:
        """A claimed build launches its Job; the status comes when the Job is there."""
        actions = next_actions(facts(queue={"claimed": True}))
        assert kinds(actions) == ["LaunchJob"]
        launch = actions[0]
        assert isinstance(launch, do.LaunchJob)
        assert launch.manifest["metadata"]["name"] == "pb-app-1-0a1b2c3d"

    def test_a_refused_launch_gives_the_place_back_and_comes_again(self) -> None:
        """While a refused launch waits for its next try, the place is free for others."""
        actions = next_actions(facts(queue={"claimed": True}, launch_trouble=trouble(retry_in=30), now=at(10)))
        assert kinds(actions)[:2] == ["ReleasePlace", "WakeAfter"]
        assert actions[1] == do.WakeAfter(20.0)
        status = reported(actions)
        assert status is not None
        succeeded = status.condition("Succeeded")
        assert succeeded is not None
        assert "quota exceeded" in succeeded.message

    def test_a_refused_launch_enters_the_line_again(self) -> None:
        """After the pause the build waits for a place like any other."""
        actions = next_actions(facts(launch_trouble=trouble(retry_in=30), now=at(30)))
        assert kinds(actions)[0] == "Enqueue"

    def test_a_refused_launch_is_tried_again(self) -> None:
        """With the pause over and a new claim in hand, the Job is created again."""
        actions = next_actions(facts(queue={"claimed": True}, launch_trouble=trouble(retry_in=30), now=at(31)))
        assert kinds(actions) == ["LaunchJob"]

    def test_a_final_refusal_ends_the_build(self) -> None:
        """A Job that the API server will never take ends the build, with the server's words."""
        actions = next_actions(
            facts(queue={"claimed": True}, launch_trouble=trouble(message="bad quantity", final=True))
        )
        status = reported(actions)
        assert status is not None
        assert status.failure is not None
        assert status.failure.message == "bad quantity"
        assert kinds(actions)[0] == "ReleasePlace"

    def test_a_huge_refusal_still_fits_the_status(self) -> None:
        """A message of any length gives a status that the CRD accepts, so that the build can end."""
        status = told(facts(launch_trouble=trouble(message="x" * 100_000, final=True)))
        assert all(len(condition.message) <= 32768 for condition in status.conditions)
        assert PublishBuildStatus.model_validate(status.to_wire()) == status


class TestRunning:
    def test_a_launched_build_records_its_job(self) -> None:
        """The Job, the start and the first attempt are on record as soon as the Job is there."""
        wire = told(facts(job=a_job(started=at(3)))).to_wire()
        assert wire["job"] == {"name": "pb-app-1-0a1b2c3d", "uid": JOB_UID}
        assert (wire["startTime"], wire["attempts"]) == ("2025-06-01T12:00:03Z", 1)
        assert wire["queue"] == {"enqueuedTime": "2025-06-01T12:00:00.000000Z"}

    def test_the_place_in_line_is_released(self) -> None:
        """A build with a Job neither waits nor claims."""
        assert kinds(next_actions(facts(job=a_job())))[0] == "ReleasePlace"

    def test_start_never_moves(self) -> None:
        """A start time once written stays, whatever the Job says later."""
        build = with_status(a_build(), told(facts(job=a_job(started=None), now=at(2))))
        again = reported(next_actions(facts(build, job=a_job(started=at(5)), pods=[FAILED_POD])))
        assert again is not None
        assert again.start_time == at(2)

    @pytest.mark.parametrize(
        ("pod", "words"),
        [
            pytest.param(a_pod(unschedulable="0/3 nodes are available"), ("Unschedulable", "0/3 nodes"), id="no room"),
            pytest.param(a_pod(waiting="ImagePullBackOff"), ("ImagePullBackOff",), id="image cannot be pulled"),
            pytest.param(a_pod(waiting="ErrImagePull"), ("ImagePullBackOff",), id="the pull's other word"),
            pytest.param(
                a_pod(waiting="CreateContainerConfigError", waiting_message='secret "expo" not found'),
                ("CreateContainerConfigError", 'secret "expo" not found'),
                id="Secret missing",
            ),
        ],
    )
    def test_a_pod_that_cannot_start_says_why(self, pod: Object, words: tuple[str, ...]) -> None:
        """A running build whose pod cannot start names the cause in the message of Succeeded."""
        succeeded = told(facts(job=a_job(), pods=[pod])).condition("Succeeded")
        assert succeeded is not None
        assert all(word in succeeded.message for word in words)
        assert succeeded.status == "Unknown"

    @pytest.mark.parametrize("word", ["ContainerCreating", "PodInitializing"])
    def test_a_pod_that_is_starting_is_no_trouble(self, word: str) -> None:
        """The normal words of a start are not shown as trouble."""
        succeeded = told(facts(job=a_job(), pods=[a_pod(waiting=word)])).condition("Succeeded")
        assert succeeded is not None
        assert "cannot start" not in succeeded.message

    def test_retrying_says_what_failed(self) -> None:
        """Between attempts the message names the failed one and why."""
        succeeded = told(facts(job=a_job(), pods=[FAILED_POD])).condition("Succeeded")
        assert succeeded is not None
        assert succeeded.message == "attempt 1 failed (GitFailed): the host does not answer"


class TestEnd:
    def test_success_keeps_what_was_made(self) -> None:
        """A published build shows commit, EAS builds, submissions and the Job's own end."""
        pod = a_pod(1, exit_code=0, message=a_message(ids="7"))
        wire = told(facts(job=a_job(complete=True, ended=at(60), succeeded_pods=1), pods=[pod])).to_wire()
        assert wire["source"] == {"commit": COMMIT}
        assert wire["builds"][0]["id"] == "build-7"
        assert wire["submissions"][0]["id"] == "submission-7"
        assert wire["completionTime"] == "2025-06-01T12:01:00Z"
        assert "failure" not in wire

    def test_failure_names_the_last_attempt(self) -> None:
        """A failed build says reason, message, exit code, pod, container and log tail of its last attempt."""
        last = a_pod(2, exit_code=64, message=a_message(failure=("BadToken", "EXPO_TOKEN is refused"), log_tail="401"))
        job = a_job(failed="PodFailurePolicy", failed_pods=2)
        wire = told(facts(job=job, pods=[last, FAILED_POD])).to_wire()
        assert wire["failure"] == {
            "reason": "BadToken",
            "message": "EXPO_TOKEN is refused",
            "exitCode": 64,
            "pod": "pb-app-1-0a1b2c3d-00002",
            "container": "runner",
            "logTail": "401",
        }
        assert wire["conditions"][0]["message"] == "attempt 2 failed (BadToken): EXPO_TOKEN is refused"

    def test_a_job_that_vanished_keeps_its_attempts(self) -> None:
        """What was recorded of a Job outlives it."""
        running = with_status(a_build(), told(facts(job=a_job(), pods=[FAILED_POD])))
        status = told(facts(running))
        assert [attempt.number for attempt in status.failed_attempts] == [1]
        assert status.phase is Phase.FAILED
        assert status.completion_time == at(10)

    def test_a_cancelled_build_has_no_failure(self) -> None:
        """Cancelling is not a failure to explain."""
        assert told(facts(a_build(cancel=True))).failure is None

    def test_an_ended_build_shows_no_position(self) -> None:
        """A build that ends in the queue shows when it entered, and neither position nor reason."""
        waiting = with_status(a_build(cancel=True), told(facts(queue={"position": 2})))
        wire = told(facts(waiting)).to_wire()
        assert wire["queue"] == {"enqueuedTime": "2025-06-01T12:00:00.000000Z"}

    def test_an_invalid_spec_says_what_is_wrong(self) -> None:
        """The message names the field and the rule it breaks."""
        succeeded = told(facts(a_build(priority=5000))).condition("Succeeded")
        assert succeeded is not None
        assert "spec.priority" in succeeded.message
        assert "1000" in succeeded.message


class TestCancel:
    def test_a_running_build_records_its_attempts_before_the_job_goes(self) -> None:
        """The status is written before the Job is deleted, since the pods go with it."""
        actions = next_actions(facts(a_build(cancel=True), job=a_job(), pods=[FAILED_POD]))
        names = kinds(actions)
        assert names.index("ReportStatus") < names.index("DeleteJob")
        assert do.DeleteJob("pb-app-1-0a1b2c3d", JOB_UID) in actions

    def test_a_job_is_deleted_until_it_goes(self) -> None:
        """A lost deletion is asked for again, although the status says Cancelling already."""
        given = facts(a_build(cancel=True), job=a_job(), pods=[a_pod(1)])
        build = with_status(a_build(cancel=True), told(given))
        again = next_actions(facts(build, job=a_job(), pods=[a_pod(1)]))
        assert kinds(again) == ["ReleasePlace", "DeleteJob"]

    def test_a_job_that_is_going_is_not_deleted_twice(self) -> None:
        """A Job under deletion is left alone."""
        actions = next_actions(facts(a_build(cancel=True), job=a_job(deleting=True)))
        assert "DeleteJob" not in kinds(actions)

    def test_a_newer_build_stops_a_waiting_one(self) -> None:
        """A waiting build that a newer one with CancelPrevious replaces ends as Cancelled and names it."""
        status = told(facts(superseded_by="newer"))
        assert status.phase is Phase.CANCELLED
        assert "newer build newer" in shown_message(status)

    def test_a_newer_build_stops_a_running_one(self) -> None:
        """A running build that is replaced loses its Job; when that is gone it is Cancelled, whoever is left."""
        given = facts(job=a_job(), pods=[a_pod(1)], superseded_by="newer")
        assert do.DeleteJob("pb-app-1-0a1b2c3d", JOB_UID) in next_actions(given)
        cancelling = with_status(a_build(), told(given))
        for still_there in ("newer", None):
            status = told(facts(cancelling, superseded_by=still_there))
            assert status.phase is Phase.CANCELLED

    def test_a_job_that_outlives_its_build_is_stopped(self) -> None:
        """A Job whose creation seemed to fail, and that appears after its build has ended, does not run on."""
        ended = with_status(a_build(cancel=True), told(facts(a_build(cancel=True))))
        actions = next_actions(facts(ended, job=a_job()))
        assert do.DeleteJob("pb-app-1-0a1b2c3d", JOB_UID) in actions
        assert reported(actions) is None


class TestAfterTheEnd:
    @staticmethod
    def ended(**fields: Any) -> Object:
        return with_status(a_build(**fields), told(facts(a_build(**fields), job=a_job(complete=True))))

    def test_ttl_is_set_after_the_outcome_is_on_record(self) -> None:
        """The Job gets its ttl only when the terminal status is stored."""
        first = next_actions(facts(job=a_job(complete=True)))
        assert "SetJobTtl" not in kinds(first)
        then = next_actions(facts(self.ended(), job=a_job(complete=True)))
        assert do.SetJobTtl("pb-app-1-0a1b2c3d", 86400) in then

    @pytest.mark.parametrize(
        "job",
        [
            pytest.param(a_job(complete=True, ttl=86400), id="is set"),
            pytest.param(a_job(complete=True, deleting=True), id="the Job goes already"),
            pytest.param(None, id="the Job is gone"),
        ],
    )
    def test_ttl_is_set_once(self, job: Object | None) -> None:
        """A Job that has its ttl, or goes, or is gone is left alone."""
        assert next_actions(facts(self.ended(), job=job)) == (do.ReleasePlace(),)

    def test_a_changed_ttl_is_passed_on(self) -> None:
        """A ttlSecondsAfterFinished that changes after the end reaches the Job."""
        build = self.ended(ttlSecondsAfterFinished=0)
        assert do.SetJobTtl("pb-app-1-0a1b2c3d", 0) in next_actions(facts(build, job=a_job(complete=True, ttl=86400)))

    def test_a_later_generation_is_noted_and_nothing_else(self) -> None:
        """An edit after the end moves observedGeneration alone, so that kstatus does not wait for ever."""
        ended = self.ended()
        edited = ended | {"metadata": ended["metadata"] | {"generation": 2}}
        noted = told(facts(edited, job=a_job(complete=True, ttl=86400)))
        before = BuildFacts.read(ended).status.to_wire()
        assert noted.observed_generation == 2
        assert {condition.observed_generation for condition in noted.conditions} == {2}
        same = noted.to_wire() | {"observedGeneration": 1}
        same["conditions"] = [condition | {"observedGeneration": 1} for condition in same["conditions"]]
        assert same == before

    def test_a_build_under_deletion_only_leaves(self) -> None:
        """A build that goes is not queued, launched or written."""
        assert next_actions(facts(a_build(deleting=True), queue={"claimed": True})) == (do.ReleasePlace(),)


class TestConditionTimes:
    def test_transition_time_moves_only_with_the_status(self) -> None:
        """Another reason or message leaves the transition time; another status moves it."""
        queued = with_status(a_build(), told(facts(now=at(1))))
        running = told(facts(queued, job=a_job(), now=at(2)))
        done = told(facts(with_status(a_build(), running), job=a_job(complete=True), now=at(3)))
        for status, moment in ((running, at(1)), (done, at(3))):
            succeeded = status.condition("Succeeded")
            assert succeeded is not None
            assert succeeded.last_transition_time == moment

    def test_observed_generation_is_refreshed(self) -> None:
        """A change of the spec that changes nothing else is acknowledged, in the status and in each condition."""
        before = told(facts())
        build = with_status(a_build(generation=2), before)
        after = told(facts(build))
        assert after.observed_generation == 2
        assert {condition.observed_generation for condition in after.conditions} == {2}


class TestEvents:
    def test_a_whole_life_posts_each_event_once(self) -> None:
        """Queued, Started, AttemptFailed and Succeeded, in order, each once, however often one looks."""
        done = a_pod(2, exit_code=0, message=a_message(ids="1"))
        life: list[dict[str, Any]] = [
            {"now": at(1)},
            {"now": at(2), "job": a_job()},
            {"now": at(3), "job": a_job(), "pods": [a_pod(1)]},
            {"now": at(4), "job": a_job(), "pods": [FAILED_POD]},
            {"now": at(5), "job": a_job(), "pods": [FAILED_POD, a_pod(2)]},
            {"now": at(6), "job": a_job(complete=True, failed_pods=1, succeeded_pods=1), "pods": [FAILED_POD, done]},
            {"now": at(7), "job": a_job(complete=True, ttl=86400), "pods": []},
            {"now": at(8)},
        ]
        build, posted = a_build(), []
        for look in life:
            for _ in range(3):
                actions = next_actions(facts(build, **look))
                posted += events(actions)
                status = reported(actions)
                build = build if status is None else with_status(build, status)
        assert [event.reason.value for event in posted] == ["Queued", "Started", "AttemptFailed", "Succeeded"]
        assert [event.type for event in posted] == ["Normal", "Normal", "Warning", "Normal"]
        assert all(event.message for event in posted)

    @pytest.mark.parametrize(
        ("given", "reason"),
        [
            pytest.param(facts(a_build(cancel=True)), EventReason.CANCELLED, id="cancelled"),
            pytest.param(facts(a_build(spec={})), EventReason.FAILED, id="invalid"),
            pytest.param(facts(a_build(status=LOST_JOB)), EventReason.FAILED, id="Job gone"),
        ],
    )
    def test_a_bad_end_is_a_warning(self, given: Facts, reason: EventReason) -> None:
        """A build that ends otherwise than published posts one Warning with reason and message."""
        posted = events(next_actions(given))
        assert [(event.reason, event.type) for event in posted] == [(reason, "Warning")]

    def test_nothing_happened_posts_nothing(self) -> None:
        """Two equal statuses have no event between them."""
        status = told(facts())
        assert events_between(status, status) == ()


def test_the_order_of_the_queue_is_asked_for_by_member() -> None:
    """What is enqueued carries namespace, urgency, age, uid and key."""
    enqueue = next_actions(facts(a_build(priority=7, concurrencyKey="a:b")))[0]
    second, micro = int(NOW.timestamp()), int(NOW.timestamp() * 1e6)
    assert enqueue == do.Enqueue(f"shop:0994:{second:011d}:{micro:017d}:{UID}:a:b")


@pytest.mark.parametrize(
    ("aging", "waited", "urgency"),
    [
        pytest.param(60, 59, "1001", id="not yet"),
        pytest.param(60, 60, "0000", id="overdue"),
        pytest.param(0, 10**6, "1001", id="never"),
    ],
)
def test_a_build_that_waited_long_enough_is_overdue(aging: int, waited: float, urgency: str) -> None:
    """After the aging time, and not before, the build is the first of its namespace; 0 turns that off."""
    enqueue = next_actions(facts(a_build(), now=at(waited), aging_seconds=aging))[0]
    assert isinstance(enqueue, do.Enqueue)
    assert enqueue.member.startswith(f"shop:{urgency}:")


class TestHeldTime:
    """Time suspended or paused does not age."""

    def urgency(self, build: Object, *, now: float, paused_by: str | None = None) -> str:
        look = facts(build, now=at(now), queue={"paused_by": paused_by}, aging_seconds=100)
        enqueue = next_actions(look)[0]
        assert isinstance(enqueue, do.Enqueue)
        return enqueue.member.split(":")[1]

    def after(self, build: Object, *, now: float, paused_by: str | None = None, **spec: Any) -> Object:
        """The build with ``spec`` changed and the status that a look then writes."""
        changed = a_build(generation=2, spec=build["spec"] | spec, status=build.get("status"))
        status = reported(next_actions(facts(changed, now=at(now), queue={"paused_by": paused_by}, aging_seconds=100)))
        return changed if status is None else with_status(changed, status)

    def test_a_suspended_build_does_not_age(self) -> None:
        """Held for as long as the aging time and more, it is overdue only once it has waited that long besides."""
        build = self.after(a_build(), now=10)
        held = self.after(build, now=40, suspend=True)
        resumed = self.after(held, now=1000, suspend=False)
        assert (resumed["status"]["queue"]["heldSeconds"], "heldSince" in resumed["status"]["queue"]) == (960, False)
        assert [self.urgency(resumed, now=now) for now in (1059, 1060)] == ["1001", "0000"]

    def test_a_build_that_was_made_suspended_was_held_from_the_start(self) -> None:
        """However late the operator first saw it."""
        status = reported(next_actions(facts(a_build(suspend=True), now=at(500))))
        assert status is not None
        resumed = self.after(with_status(a_build(suspend=True), status), now=900, suspend=False)
        assert [self.urgency(resumed, now=now) for now in (999, 1000)] == ["1001", "0000"]

    def test_a_pause_does_not_age_either(self) -> None:
        """Neither while it lasts, nor after it; and holds add up."""
        build = self.after(a_build(), now=10)
        for begin in (20, 460):
            build = self.after(build, now=begin, paused_by="ops")
            assert self.urgency(build, now=begin + 400, paused_by="ops") == "1001"
            build = self.after(build, now=begin + 400)
        assert build["status"]["queue"]["heldSeconds"] == 800
        assert [self.urgency(build, now=now) for now in (899, 900)] == ["1001", "0000"]

    def test_a_suspended_build_of_a_paused_namespace_is_held_once(self) -> None:
        """Two holds at once are one, until both have ended."""
        build = self.after(a_build(), now=1, paused_by="ops")
        build = self.after(build, now=10, paused_by="ops", suspend=True)
        build = self.after(build, now=50, suspend=True)
        build = self.after(build, now=90, suspend=False)
        assert build["status"]["queue"]["heldSeconds"] == 89

    def test_an_overdue_build_stays_overdue_while_it_is_paused(self) -> None:
        """What it has waited before counts."""
        build = self.after(a_build(), now=150, paused_by="ops")
        assert self.urgency(build, now=200, paused_by="ops") == "0000"

    def test_a_hold_is_written_once(self) -> None:
        """A build that is held costs no write while the hold lasts, whatever the clock shows."""
        held = self.after(a_build(), now=20.4, suspend=True)
        look = facts(held, now=at(900), aging_seconds=100)
        assert reported(next_actions(look)) is None

    def test_the_queue_timeout_counts_on(self) -> None:
        """How late is too late is the user's own word: a pause does not move it."""
        build = self.after(a_build(queueTimeoutSeconds=300), now=10, paused_by="ops", queueTimeoutSeconds=300)
        status = reported(next_actions(facts(build, now=at(310), queue={"paused_by": "ops"}, aging_seconds=100)))
        assert status is not None
        assert status.phase is Phase.FAILED
