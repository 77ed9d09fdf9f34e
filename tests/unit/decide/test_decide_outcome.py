"""What attempts and their Job say of a build: `attempts`, `job_outcome` and the reading of pods."""

from __future__ import annotations

import dataclasses
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishbuild.decide import attempts, job_outcome
from publishbuild.decide.conditions import Verdict
from publishbuild.decide.facts import JobFacts, PodFacts
from publishbuild.decide.results import with_results
from publishbuild.models.status import LOG_TAIL_BYTES, FailedAttempt, PublishBuildStatus
from publishbuild.names import Phase
from publishbuild.printable import printable_lines
from publishbuild.runner.result import BuildResult, RunResult
from tests.builders import COMMIT, NOW, Object, a_job, a_message, a_pod, at


def read(*pods: Object) -> tuple[PodFacts, ...]:
    return tuple(PodFacts.read(pod) for pod in pods)


def four_failed() -> tuple[PodFacts, ...]:
    return read(*(a_pod(n, exit_code=1, message=a_message(failure=("Boom", f"number {n}"))) for n in (1, 2, 3, 4)))


class TestFailedAttempts:
    def test_four_pods_of_backoff_limit_three(self) -> None:
        """A Job with three retries records four attempts, oldest first, with times and exit codes."""
        kept = attempts.failed_attempts((), four_failed())
        assert [(a.number, a.message, a.exit_code) for a in kept] == [(n, f"number {n}", 1) for n in (1, 2, 3, 4)]
        assert [a.start_time for a in kept] == [at(0), at(20), at(40), at(60)]
        assert kept[0].finish_time == at(10)

    @pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
    def test_pod_events_out_of_order(self, order: tuple[int, ...]) -> None:
        """The order in which pods are seen does not matter."""
        pods = four_failed()[:3]
        assert attempts.failed_attempts((), [pods[i] for i in order]) == attempts.failed_attempts((), pods)

    def test_each_pod_is_recorded_once(self) -> None:
        """A pod that is seen again adds nothing; a newer one is appended with the next number."""
        pods = four_failed()
        first = attempts.failed_attempts((), pods[:2])
        assert attempts.failed_attempts(first, pods[:2]) == first
        assert [a.number for a in attempts.failed_attempts(first, pods)] == [1, 2, 3, 4]

    def test_a_deleted_pod_stays_recorded(self) -> None:
        """What a pod said outlives it, and the next one is counted on."""
        pods = four_failed()
        first = attempts.failed_attempts((), pods[:1])
        assert [a.pod for a in attempts.failed_attempts(first, pods[1:2])] == [pods[0].name, pods[1].name]

    def test_a_running_pod_is_no_failure(self) -> None:
        """Only an attempt that has failed for sure is recorded."""
        assert attempts.failed_attempts((), read(a_pod(1), a_pod(2, exit_code=0))) == ()

    @given(st.lists(st.integers(min_value=1, max_value=8), unique=True), st.data())
    def test_nothing_is_forgotten(self, numbers: list[int], data: st.DataObject) -> None:
        """Whatever subset of the pods is seen at each look, recorded attempts stay and are numbered from 1 up."""
        pods = read(*(a_pod(n, exit_code=1) for n in numbers))
        kept: tuple[FailedAttempt, ...] = ()
        for _ in range(3):
            seen = data.draw(st.lists(st.sampled_from(pods), unique_by=lambda pod: pod.name)) if pods else []
            before, kept = kept, attempts.failed_attempts(kept, seen)
            assert kept[: len(before)] == before
        assert [attempt.number for attempt in kept] == list(range(1, len(kept) + 1))
        assert len({attempt.pod for attempt in kept}) == len(kept)


class TestCount:
    @pytest.mark.parametrize(
        ("recorded", "failed", "pods", "count"),
        [
            pytest.param(None, 0, (), 1, id="launched, no pod yet"),
            pytest.param(None, 0, read(a_pod(1)), 1, id="first runs"),
            pytest.param(1, 1, read(a_pod(1, exit_code=1)), 1, id="first failed"),
            pytest.param(1, 1, read(a_pod(1, exit_code=1), a_pod(2)), 2, id="second runs"),
            pytest.param(2, 1, (), 2, id="pods gone, the count stays"),
            pytest.param(3, 3, read(a_pod(4, exit_code=0)), 4, id="fourth succeeded"),
        ],
    )
    def test_attempts_so_far(self, recorded: int | None, failed: int, pods: tuple[PodFacts, ...], count: int) -> None:
        """Failed attempts and the one under way are counted, and the count never shrinks."""
        status = PublishBuildStatus(attempts=recorded)
        failures = tuple(FailedAttempt(number=n, pod=f"p{n}") for n in range(1, failed + 1))
        assert attempts.attempts_so_far(status, failures, pods) == count

    def test_latest_is_the_newest_pod(self) -> None:
        """The newest attempt is the one whose pod was created last, in whatever order they are seen."""
        pods = read(a_pod(2), a_pod(3), a_pod(1))
        newest = attempts.latest(pods)
        assert newest is not None
        assert newest.name.endswith("3")
        assert attempts.latest(()) is None


class TestWords:
    @pytest.mark.parametrize(
        ("pod", "reason", "message"),
        [
            pytest.param(
                a_pod(exit_code=1, message=a_message(failure=("GitFailed", "no such host"))),
                "GitFailed",
                "no such host",
                id="the runner's own words",
            ),
            pytest.param(
                a_pod(exit_code=2, message="line one\nfatal: no rule\n"),
                "Error",
                "the runner ended with exit code 2: fatal: no rule",
                id="another tool's last line",
            ),
            pytest.param(a_pod(exit_code=2), "Error", "the runner ended with exit code 2", id="another tool, silent"),
            pytest.param(
                a_pod(exit_code=137, reason="OOMKilled"),
                "OOMKilled",
                "the runner ended with exit code 137",
                id="out of memory",
            ),
            pytest.param(
                a_pod(exit_code=1, message=a_message()),
                "Error",
                "the runner ended with exit code 1",
                id="runner killed after a report of progress",
            ),
            pytest.param(
                a_pod(exit_code=137, disrupted=True),
                attempts.DISRUPTED,
                "the pod was evicted or preempted; this attempt does not count against the backoffLimit",
                id="evicted",
            ),
            pytest.param(
                a_pod(phase="Failed", pod_reason="Evicted", pod_message="node low on memory"),
                "Evicted",
                "node low on memory",
                id="never started",
            ),
            pytest.param(
                a_pod(phase="Failed"), "PodFailed", "the pod failed before its container ended", id="nothing is known"
            ),
            pytest.param(
                a_pod(exit_code=1, message='{"commit": 7}'),
                "Error",
                'the runner ended with exit code 1: {"commit": 7}',
                id="JSON that is not the runner's",
            ),
            pytest.param(
                a_pod(exit_code=1, message='{"failure": {"reason": "X"'),
                "Error",
                'the runner ended with exit code 1: {"failure": {"reason": "X"',
                id="JSON cut off",
            ),
            pytest.param(
                a_pod(exit_code=1, message="   \n "), "Error", "the runner ended with exit code 1", id="blank message"
            ),
        ],
    )
    def test_failure_words(self, pod: Object, reason: str, message: str) -> None:
        """A failed attempt says why in the runner's words, else in Kubernetes's."""
        assert attempts.failure_words(PodFacts.read(pod)) == (reason, message)

    def test_another_tools_json_is_kept(self) -> None:
        """A tool whose last words are a JSON object of its own is quoted like any other."""
        pod = PodFacts.read(a_pod(exit_code=1, message='{"error": "no licence"}'))
        assert "no licence" in attempts.failure_words(pod)[1]

    @pytest.mark.parametrize(
        "pod",
        [
            pytest.param(a_pod(exit_code=1, message="x" * 4096), id="tool's text"),
            pytest.param(a_pod(exit_code=1, message=a_message(failure=("R", "y" * 3000))), id="runner's text"),
            pytest.param(a_pod(phase="Failed", pod_reason="Evicted", pod_message="z" * 9000), id="kubelet's text"),
        ],
    )
    def test_messages_are_cut(self, pod: Object) -> None:
        """An attempt's message has at most 1024 characters."""
        assert len(attempts.failure_words(PodFacts.read(pod))[1]) <= 1024


class TestFailure:
    said = Verdict("False", "BackoffLimitExceeded", "all failed")

    @given(st.text(max_size=3000))
    def test_log_tail_of_any_text_fits(self, text: str) -> None:
        """Whatever a tool wrote, its tail has at most 2 KiB and is its end."""
        pod = PodFacts.read(a_pod(exit_code=1, message="start" + text))
        tail = job_outcome.failure(self.said, PublishBuildStatus(), (pod,)).log_tail
        assert tail is not None
        assert len(tail.encode()) <= LOG_TAIL_BYTES
        assert printable_lines("start" + text).endswith(tail)

    @pytest.mark.parametrize("text", ["ü" * 2000, "a" + "ü" * 2000, "🎉" * 1000, "ab🎉" * 900])
    def test_log_tail_is_never_cut_inside_a_character(self, text: str) -> None:
        """A tail starts with a whole character."""
        pod = PodFacts.read(a_pod(exit_code=1, message=text))
        tail = job_outcome.failure(self.said, PublishBuildStatus(), (pod,)).log_tail
        assert tail is not None
        assert "\ufffd" not in tail
        assert LOG_TAIL_BYTES - 4 < len(tail.encode()) <= LOG_TAIL_BYTES

    def test_lone_surrogates_of_another_tool_do_no_harm(self) -> None:
        """A report with half a surrogate pair is a report still, without that half."""
        pod = PodFacts.read(a_pod(exit_code=1, message='{"logTail": "\\ud800"}'))
        failure = job_outcome.failure(self.said, PublishBuildStatus(), (pod,))
        assert failure.log_tail == "?"

    def test_without_pods_the_record_speaks(self) -> None:
        """When the pods are gone, the last recorded attempt explains the failure."""
        kept = attempts.failed_attempts((), four_failed())
        failure = job_outcome.failure(self.said, PublishBuildStatus(failed_attempts=kept), ())
        assert (failure.reason, failure.message, failure.exit_code) == ("Boom", "number 4", 1)
        assert failure.pod == kept[-1].pod

    @pytest.mark.parametrize("reason", ["DeadlineExceeded", "JobDeleted"])
    @pytest.mark.parametrize("seen", [True, False], ids=["pods seen", "pods gone"])
    def test_what_came_from_outside_is_the_reason(self, reason: str, seen: bool) -> None:
        """A build that was ended from outside fails for that, and not for how its last pod was killed."""
        kept = attempts.failed_attempts((), four_failed())
        said = Verdict("False", reason, "ended from outside")
        failure = job_outcome.failure(said, PublishBuildStatus(failed_attempts=kept), four_failed() if seen else ())
        assert (failure.reason, failure.message) == (reason, "ended from outside")
        assert failure.pod == kept[-1].pod

    def test_without_pods_and_record_the_job_speaks(self) -> None:
        """When nothing was seen of any pod, the Job's verdict explains the failure."""
        failure = job_outcome.failure(self.said, PublishBuildStatus(), ())
        assert failure.to_wire() == {"reason": "BackoffLimitExceeded", "message": "all failed"}


class TestAge:
    def test_of_two_pods_of_one_second_the_failed_one_is_older(self) -> None:
        """A pod that replaced a failed one within the second is the newest attempt, whatever their names are."""
        failed, running = PodFacts.read(a_pod(1, exit_code=1)), PodFacts.read(a_pod(2))
        running = dataclasses.replace(running, created=failed.created, name="a")
        assert attempts.latest((failed, running)) is running

    def test_evictions_do_not_fill_the_status(self) -> None:
        """However often a pod is evicted, the record of attempts stays bounded, and nothing is recorded twice."""
        pods = [PodFacts.read(a_pod(number, exit_code=1)) for number in range(1, 80)]
        kept = attempts.failed_attempts((), pods)
        assert len(kept) == attempts.MOST_RECORDED
        assert attempts.failed_attempts(kept, pods) == kept


class TestVerdict:
    def test_success_names_the_attempt(self) -> None:
        """A success after two failures says that the third attempt did it."""
        failed = attempts.failed_attempts((), four_failed()[:2])
        said = job_outcome.verdict(JobFacts.read(a_job(complete=True)), failed, ())
        assert said == Verdict("True", "Succeeded", "published at attempt 3")
        assert job_outcome.phase_of(said) is Phase.SUCCEEDED

    def test_a_job_without_pods_speaks_for_itself(self) -> None:
        """A failed Job of which no pod was seen says what the Job controller said."""
        job = JobFacts.read(a_job(failed="DeadlineExceeded", failed_message="Job was active too long"))
        assert job_outcome.verdict(job, (), ()).message == "Job was active too long"

    def test_a_deadline_is_not_hidden_by_the_kill(self) -> None:
        """A build that ran too long says so, although its pod only shows the kill that followed."""
        job = JobFacts.read(a_job(failed="DeadlineExceeded", failed_message="Job was active longer than specified"))
        failed = attempts.failed_attempts((), read(a_pod(1, exit_code=143)))
        assert "active longer than" in job_outcome.verdict(job, failed, ()).message

    @pytest.mark.parametrize(
        ("succeeded", "reason", "phase"),
        [
            pytest.param("Unknown", "Running", Phase.RUNNING, id="running"),
            pytest.param("Unknown", "Retrying", Phase.RETRYING, id="retrying"),
            pytest.param("True", "Succeeded", Phase.SUCCEEDED, id="succeeded"),
            pytest.param("False", "DeadlineExceeded", Phase.FAILED, id="failed"),
        ],
    )
    def test_phase_follows_the_verdict(self, succeeded: str, reason: str, phase: Phase) -> None:
        """The phase says the same as the verdict."""
        assert job_outcome.phase_of(Verdict(succeeded, reason, "")) is phase  # type: ignore[arg-type]  # a table


class TestPodsMissing:
    @pytest.mark.parametrize(
        ("job", "pods", "missing"),
        [
            pytest.param(a_job(failed_pods=1), (), False, id="the Job runs"),
            pytest.param(a_job(complete=True, succeeded_pods=1), (), True, id="success not seen"),
            pytest.param(a_job(complete=True, succeeded_pods=1), (a_pod(1),), True, id="still seen running"),
            pytest.param(a_job(complete=True, succeeded_pods=1), (a_pod(1, exit_code=0),), False, id="success seen"),
            pytest.param(a_job(failed="X", failed_pods=2), (a_pod(1, exit_code=1),), True, id="one of two seen"),
            pytest.param(
                a_job(failed="X", failed_pods=2), (a_pod(1, exit_code=1), a_pod(2, exit_code=1)), False, id="both seen"
            ),
            pytest.param(a_job(failed="DeadlineExceeded"), (), False, id="no pod ever"),
        ],
    )
    def test_pods_missing(self, job: Object, pods: tuple[Object, ...], missing: bool) -> None:
        """A Job that has ended before its pods were seen to end asks for them."""
        assert job_outcome.pods_missing(JobFacts.read(job), read(*pods)) is missing


class TestResults:
    def test_the_newest_report_wins(self) -> None:
        """Builds and submissions are those of the newest attempt that names any."""
        pods = read(
            a_pod(2, exit_code=1, message=a_message(ids="second")),
            a_pod(1, exit_code=1, message=a_message(ids="first")),
        )
        status = with_results(PublishBuildStatus(), pods, job_runs=True)
        assert [build.id for build in status.builds] == ["build-second"]
        assert status.source is not None
        assert status.source.commit == COMMIT

    def test_a_silent_attempt_erases_nothing(self) -> None:
        """What an earlier attempt reported stays when a later one dies without a word."""
        pods = read(a_pod(1, exit_code=1, message=a_message(ids="first")), a_pod(2, exit_code=137))
        status = with_results(PublishBuildStatus(), pods, job_runs=True)
        assert [submission.id for submission in status.submissions] == ["submission-first"]
        later = with_results(status, read(a_pod(3, exit_code=1, message="Killed")), job_runs=True)
        assert later == status


class TestReading:
    def test_a_job_reads_its_terminal_conditions_only(self) -> None:
        """FailureTarget and SuccessCriteriaMet are announcements: pods may still run."""
        job = a_job()
        job["status"]["conditions"] = [
            {"type": "FailureTarget", "status": "True", "reason": "BackoffLimitExceeded"},
            {"type": "SuccessCriteriaMet", "status": "True"},
            {"type": "Failed", "status": "False"},
        ]
        assert not JobFacts.read(job).finished

    def test_the_end_of_a_failed_job_is_its_conditions(self) -> None:
        """A failed Job has no completionTime; its end is when the condition turned."""
        assert JobFacts.read(a_job(failed="X", ended=at(7))).ended == at(7)

    def test_a_bare_job_is_read(self) -> None:
        """A Job without labels, status or annotations does no harm."""
        job = JobFacts.read({"metadata": {"namespace": "n", "name": "j", "uid": "u", "resourceVersion": "1"}})
        assert (job.build_uid, job.finished, job.concurrency_key) == ("", False, "")

    @pytest.mark.parametrize(
        ("pod", "failed", "succeeded"),
        [
            pytest.param(a_pod(1), False, False, id="runs"),
            pytest.param(a_pod(1, exit_code=0), False, True, id="done"),
            pytest.param(a_pod(1, exit_code=3), True, False, id="failed"),
            pytest.param(a_pod(1, exit_code=3, phase="Pending"), True, False, id="container ended, phase lags behind"),
            pytest.param(a_pod(1, phase="Failed"), True, False, id="no container status"),
            pytest.param(a_pod(1, phase="Unknown"), False, False, id="node is lost"),
        ],
    )
    def test_a_pod_ends_for_sure_or_not(self, pod: Object, failed: bool, succeeded: bool) -> None:
        """An attempt counts as ended only where its container or its phase says so."""
        read_pod = PodFacts.read(pod)
        assert (read_pod.failed, read_pod.succeeded) == (failed, succeeded)

    def test_sidecars_are_not_the_runner(self) -> None:
        """Only the container named runner speaks; one that a mesh injected does not."""
        pod = a_pod(1)
        pod["status"]["containerStatuses"].insert(
            0, {"name": "istio-proxy", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}
        )
        assert not PodFacts.read(pod).failed

    def test_a_pull_that_fails_shows_one_word(self) -> None:
        """ErrImagePull and ImagePullBackOff alternate; the status shows one word without the changing text."""
        seen = {
            (pod.waiting_reason, pod.waiting_message)
            for pod in read(
                a_pod(waiting="ErrImagePull", waiting_message="rpc error: 1234"),
                a_pod(waiting="ImagePullBackOff", waiting_message="Back-off 10s"),
            )
        }
        assert seen == {("ImagePullBackOff", "")}

    def test_times_are_read_as_utc(self) -> None:
        """Kubernetes's times end in Z and are UTC."""
        assert PodFacts.read(a_pod(1, exit_code=0)).started == NOW


class TestProgress:
    """What an attempt says on its way."""

    SAID = RunResult(
        commit=COMMIT,
        builds=(BuildResult(platform="ios", id="build-7", status="IN_QUEUE"),),
        message="ios build build-7 is IN_QUEUE at EAS, position 3",
    )

    def test_it_shows_while_the_attempt_runs(self) -> None:
        """The builds are in the status, and the sentence in the condition's message, before the attempt ends."""
        pods = read(a_pod(1))
        status = with_results(PublishBuildStatus(), pods, self.SAID, job_runs=True)
        assert [(b.id, b.status) for b in status.builds] == [("build-7", "IN_QUEUE")]
        said = job_outcome.verdict(JobFacts.read(a_job()), (), pods, self.SAID)
        assert said.message == "attempt 1 runs: ios build build-7 is IN_QUEUE at EAS, position 3"

    def test_it_is_newer_than_what_ended_attempts_said(self) -> None:
        """The attempt that runs knows best."""
        pods = read(a_pod(1, exit_code=1, message=a_message(ids="old")), a_pod(2))
        assert with_results(PublishBuildStatus(), pods, self.SAID, job_runs=True).builds[0].id == "build-7"

    def test_the_last_word_is_the_reports(self) -> None:
        """Once the attempt has ended, what it said on the way counts no more."""
        pods = read(a_pod(1, exit_code=0, message=a_message(ids="end")))
        assert with_results(PublishBuildStatus(), pods, self.SAID, job_runs=True).builds[0].id == "build-end"

    @pytest.mark.parametrize(
        ("failure", "words"),
        [
            pytest.param(("Cancelled", "canceled the ios build 7 on EAS"), "canceled the ios build 7 on EAS", id="did"),
            pytest.param(("NetworkError", "no route"), "", id="another failure"),
            pytest.param(None, "", id="silent"),
        ],
    )
    def test_what_a_stopped_attempt_did_is_told(self, failure: tuple[str, str] | None, words: str) -> None:
        """The report of an attempt that cancelled its remote work says so in the build's message."""
        pods = read(a_pod(1, exit_code=1, message=a_message(failure=failure)))
        assert job_outcome.cancelled_words(pods) == words
