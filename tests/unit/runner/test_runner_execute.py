"""One attempt, with EAS played by an object that counts what it is asked to make."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from publishbuild.names import EXIT_DONE, EXIT_GIVE_UP, EXIT_RETRY
from publishbuild.runner.attempt import READ_ATTEMPTS, Attempt
from publishbuild.runner.execute import execute_build_and_submit
from publishbuild.runner.failures import AttemptFailed, FailureClass
from publishbuild.runner.logs import LogTail, make_log
from publishbuild.runner.next_step import RemoteBuild, RemoteSubmission
from publishbuild.runner.redact import Redactor
from publishbuild.runner.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from publishbuild.runner.result import RunResult

PASSING = FailureClass("NetworkError", "connection refused", retryable=True)
LASTING = FailureClass("PermissionDenied", "no permission", retryable=False)


@dataclass
class FakeEas:
    """EAS in memory: a build ends at the second look. ``broken`` names calls that fail, and how often they do."""

    builds: dict[str, RemoteBuild] = field(default_factory=dict)
    submissions: dict[str, RemoteSubmission] = field(default_factory=dict)
    ends: dict[str, str] = field(default_factory=dict)
    broken: dict[str, list[FailureClass]] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    commit: str = "c1"
    away: Callable[[str], bool] = lambda _call: False

    def _maybe_break(self, call: str) -> None:
        if self.away(call):
            raise AttemptFailed(PASSING)
        if self.broken.get(call):
            raise AttemptFailed(self.broken[call].pop(0))

    def find_build(self, platform: str, _profile: str, message: str) -> RemoteBuild | None:
        self._maybe_break("find_build")
        assert message == f"pb:uid:{platform}"
        return self.builds.get(platform)

    def create_build(self, platform: str, _profile: str, _message: str) -> RemoteBuild:
        if self.away("create_build"):
            raise AttemptFailed(PASSING)
        self.made.append(f"build:{platform}")
        self.builds[platform] = RemoteBuild(platform, "IN_PROGRESS", commit=self.commit)
        self._maybe_break("create_build")
        return self.builds[platform]

    def view_build(self, build_id: str) -> RemoteBuild:
        self._maybe_break("view_build")
        self.builds[build_id] = replace(self.builds[build_id], status=self.ends.get(build_id, "FINISHED"))
        return self.builds[build_id]

    def find_submission(self, platform: str, _build_id: str) -> RemoteSubmission | None:
        self._maybe_break("find_submission")
        found = self.submissions.get(platform)
        if found and found.status == "IN_QUEUE":
            self.submissions[platform] = replace(found, status="FINISHED")
        return found

    def create_submission(self, platform: str, _profile: str, _build_id: str) -> None:
        if self.away("create_submission"):
            raise AttemptFailed(PASSING)
        self.made.append(f"submission:{platform}")
        self.submissions[platform] = RemoteSubmission(f"s-{platform}", "IN_QUEUE")
        self._maybe_break("create_submission")

    def retry_submission(self, submission_id: str) -> None:
        self.made.append(f"retry:{submission_id}")
        self.submissions["ios"] = RemoteSubmission("s-again", "IN_QUEUE")


@dataclass
class FakeClone:
    """A working copy that is always there."""

    folder: Path
    commit: str = "c1"
    checked_out: list[str] = field(default_factory=list)
    out_of_reach: FailureClass | None = None

    def fetch(self, _url: str, _revision: str) -> str:
        return self.commit

    def checkout(self, revision: str) -> str:
        if self.out_of_reach:
            raise AttemptFailed(self.out_of_reach)
        self.checked_out.append(revision)
        return revision


@dataclass
class Run:
    """What came of an attempt."""

    attempt: Attempt
    reports: list[RunResult]
    slept: list[float]


def run(
    tmp_path: Path,
    eas: FakeEas,
    clone: FakeClone | None = None,
    sleep: Callable[[float], None] | None = None,
    **environment: str,
) -> Run:
    settings = read_settings(
        {
            "PUBLISHBUILD_UID": "uid",
            "PUBLISHBUILD_NAME": "n",
            "PUBLISHBUILD_NAMESPACE": "ns",
            "PUBLISHBUILD_SOURCE_URL": "file:///x",
            **environment,
        }
    )
    reports: list[RunResult] = []
    slept: list[float] = []
    made: Any = clone or FakeClone(tmp_path)
    opened: Any = eas
    attempt = Attempt(
        settings=settings,
        clone=made,
        open_app=lambda _app: opened,
        prepare_app=lambda _app: None,
        report=reports.append,
        sleep=sleep or slept.append,
        log=make_log(Redactor(set()), LogTail()),
    )
    execute_build_and_submit(attempt)
    return Run(attempt, reports, slept)


def test_both_platforms_are_built_and_submitted_once(tmp_path: Path) -> None:
    """From nothing to done: one build and one submission for each platform."""
    eas = FakeEas()
    done = run(tmp_path, eas)
    assert done.attempt.exit_code() == EXIT_DONE
    assert sorted(eas.made) == ["build:android", "build:ios", "submission:android", "submission:ios"]
    result = done.attempt.result()
    assert [build.status for build in result.builds] == ["FINISHED", "FINISHED"]
    assert [item.status for item in result.submissions] == ["FINISHED", "FINISHED"]


def test_a_second_attempt_makes_nothing(tmp_path: Path) -> None:
    """What an earlier attempt made is found again."""
    eas = FakeEas()
    run(tmp_path, eas)
    eas.made.clear()
    assert run(tmp_path, eas).attempt.exit_code() == EXIT_DONE
    assert eas.made == []


@pytest.mark.parametrize("call", ["create_build", "create_submission"])
def test_a_creation_whose_answer_was_lost_is_not_repeated(tmp_path: Path, call: str) -> None:
    """The attempt ends; the next one finds what was made and goes on with it."""
    eas = FakeEas(broken={call: [PASSING]})
    assert run(tmp_path, eas, PUBLISHBUILD_PLATFORM="ios").attempt.exit_code() == EXIT_RETRY
    assert run(tmp_path, eas, PUBLISHBUILD_PLATFORM="ios").attempt.exit_code() == EXIT_DONE
    assert eas.made == ["build:ios", "submission:ios"]


def test_what_is_done_now_is_told_before_it_is_done(tmp_path: Path) -> None:
    """Whoever watches learns of the upload while it runs, and of each status in EAS's words."""
    reports = run(tmp_path, FakeEas(), PUBLISHBUILD_PLATFORM="ios").reports
    told = list(dict.fromkeys(report.message for report in reports if report.message))
    assert told == [
        "fetching the source",
        "the source is checked out; the app is prepared",
        "an ios build of an earlier attempt is looked for",
        "the ios project is uploaded to EAS",
        "ios build ios is IN_PROGRESS at EAS",
        "ios build ios is FINISHED",
        "ios build ios is handed to the store",
        "ios submission s-ios is IN_QUEUE",
        "ios submission s-ios is FINISHED",
    ]


def test_a_report_is_left_before_the_end(tmp_path: Path) -> None:
    """An attempt that is killed has already said which builds it started."""
    reports = run(tmp_path, FakeEas(), PUBLISHBUILD_PLATFORM="ios").reports
    assert reports[1].commit == "c1"
    assert any(report.builds and report.builds[0].status == "IN_PROGRESS" for report in reports)


@pytest.mark.parametrize("call", ["find_build", "view_build", "find_submission"])
def test_reads_survive_passing_errors(tmp_path: Path, call: str) -> None:
    """A few failed reads in a row cost time, not the attempt."""
    done = run(tmp_path, FakeEas(broken={call: [PASSING] * 3}), PUBLISHBUILD_PLATFORM="ios")
    assert done.attempt.exit_code() == EXIT_DONE


@dataclass
class Outage:
    """EAS is away for ``seconds`` from the first time that ``call`` is tried; time passes by sleeping alone."""

    call: str
    seconds: float
    now: float = 0
    since: float | None = None

    def is_on(self, call: str) -> bool:
        if call != self.call:
            return False
        self.since = self.now if self.since is None else self.since
        return self.now < self.since + self.seconds

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize("call", ["find_build", "view_build", "find_submission"])
def test_one_attempt_survives_sixty_seconds_without_eas_at_a_read(tmp_path: Path, call: str) -> None:
    """With the default settings a minute of 502 costs no attempt."""
    outage = Outage(call, 60)
    eas = FakeEas(away=outage.is_on)
    done = run(tmp_path, eas, sleep=outage.sleep, PUBLISHBUILD_PLATFORM="ios")
    assert done.attempt.exit_code() == EXIT_DONE
    assert outage.since is not None
    assert eas.made == ["build:ios", "submission:ios"]


@pytest.mark.parametrize("call", ["create_build", "create_submission"])
def test_the_jobs_retries_survive_sixty_seconds_without_eas_at_a_creation(tmp_path: Path, call: str) -> None:
    """With the default backoffLimit of 3, and 10, 20 and 40 s between the pods, the build succeeds, made once."""
    outage = Outage(call, 60)
    eas = FakeEas(away=outage.is_on)
    codes = []
    for pause in (10, 20, 40, 0):
        codes.append(run(tmp_path, eas, sleep=outage.sleep, PUBLISHBUILD_PLATFORM="ios").attempt.exit_code())
        if codes[-1] == EXIT_DONE:
            break
        outage.sleep(pause)
    assert codes[-1] == EXIT_DONE, codes
    assert codes[0] == EXIT_RETRY
    assert eas.made == ["build:ios", "submission:ios"]


def test_reads_give_up_in_the_end(tmp_path: Path) -> None:
    """An EAS that stays away ends the attempt, which is worth another one."""
    eas = FakeEas(broken={"view_build": [PASSING] * READ_ATTEMPTS})
    done = run(tmp_path, eas, PUBLISHBUILD_PLATFORM="ios")
    assert done.attempt.exit_code() == EXIT_RETRY
    assert done.attempt.result().builds[0].id == "ios"


def test_a_lasting_error_is_not_read_again(tmp_path: Path) -> None:
    """A refused token stays refused: one call, and no platform was begun."""
    eas = FakeEas(broken={"find_build": [LASTING]})
    with pytest.raises(AttemptFailed) as caught:
        run(tmp_path, eas)
    assert caught.value.failure == LASTING
    assert eas.made == []


def test_one_platforms_failure_does_not_waste_the_others_build(tmp_path: Path) -> None:
    """Both are paid for: the good one is submitted, then the failure is reported."""
    done = run(tmp_path, FakeEas(ends={"ios": "ERRORED"}))
    result = done.attempt.result()
    assert done.attempt.exit_code() == EXIT_GIVE_UP
    assert result.failure is not None
    assert result.failure.reason == "BuildErrored"
    assert [(item.platform, item.status) for item in result.submissions] == [("android", "FINISHED")]


def test_a_failure_that_a_retry_may_help_decides_the_exit_code(tmp_path: Path) -> None:
    """One platform is beyond help, the other is not: another attempt is worth it."""
    eas = FakeEas(ends={"ios": "ERRORED"}, broken={"create_submission": [PASSING]})
    assert run(tmp_path, eas).attempt.exit_code() == EXIT_RETRY


def test_a_failed_submission_is_run_again_by_eas(tmp_path: Path) -> None:
    """An earlier attempt's failed submission is retried where EAS allows it, not made a second time."""
    eas = FakeEas()
    eas.builds["ios"] = RemoteBuild("ios", "FINISHED", commit="c1")
    eas.submissions["ios"] = RemoteSubmission("s-old", "ERRORED", can_retry=True)
    assert run(tmp_path, eas, PUBLISHBUILD_PLATFORM="ios").attempt.exit_code() == EXIT_DONE
    assert eas.made == ["retry:s-old"]


def test_a_retry_that_eas_does_not_list_yet_is_no_end(tmp_path: Path) -> None:
    """After submit:retry the old failure may still be all that is listed: another attempt looks again."""
    eas = FakeEas()
    eas.builds["ios"] = RemoteBuild("ios", "FINISHED", commit="c1")
    eas.submissions["ios"] = RemoteSubmission("s-old", "ERRORED", can_retry=True)

    def retry(submission_id: str) -> None:
        eas.made.append(f"retry:{submission_id}")

    eas.retry_submission = retry  # type: ignore[method-assign]
    done = run(tmp_path, eas, PUBLISHBUILD_PLATFORM="ios")
    assert done.attempt.exit_code() == EXIT_RETRY
    assert eas.made == ["retry:s-old"]


def test_a_moved_branch_does_not_mix_two_commits(tmp_path: Path) -> None:
    """An earlier attempt built iOS from c1 and main is now at c2: Android is built from c1 too."""
    eas = FakeEas()
    eas.builds["ios"] = RemoteBuild("ios", "IN_PROGRESS", commit="c1")
    clone = FakeClone(tmp_path, commit="c2")
    done = run(tmp_path, eas, clone)
    assert clone.checked_out == ["c1"]
    assert done.attempt.result().commit == "c1"


MOVED = FailureClass("SourceMoved", "out of reach", retryable=False)


def test_a_commit_out_of_reach_ends_a_release_that_would_mix_two(tmp_path: Path) -> None:
    """Android is not built from another commit than iOS was, and what was paid for is named."""
    eas = FakeEas()
    eas.builds["ios"] = RemoteBuild("ios", "IN_PROGRESS", commit="c1")
    with pytest.raises(AttemptFailed) as caught:
        run(tmp_path, eas, FakeClone(tmp_path, commit="c2", out_of_reach=MOVED))
    assert caught.value.failure.reason == "SourceMoved"
    assert eas.made == []


def test_a_commit_out_of_reach_is_not_needed_where_all_is_built(tmp_path: Path) -> None:
    """The builds of the earlier attempt go on, are submitted, and their commit is the one that is reported."""
    eas = FakeEas()
    for platform in ("ios", "android"):
        eas.builds[platform] = RemoteBuild(platform, "IN_PROGRESS", commit="c1")
    done = run(tmp_path, eas, FakeClone(tmp_path, commit="c2", out_of_reach=MOVED))
    assert sorted(eas.made) == ["submission:android", "submission:ios"]
    assert done.attempt.result().commit == "c1"


def test_nothing_is_submitted_when_not_wanted(tmp_path: Path) -> None:
    """``submit.enabled: false`` ends with the build."""
    eas = FakeEas()
    run(tmp_path, eas, PUBLISHBUILD_SUBMIT="false", PUBLISHBUILD_PLATFORM="android")
    assert eas.made == ["build:android"]


def test_polling_slows_down_to_thirty_seconds(tmp_path: Path) -> None:
    """A build of an hour is asked about often at first and seldom later."""
    eas = FakeEas(ends={"ios": "IN_PROGRESS"})
    original = eas.view_build
    looks: list[str] = []

    def view(build_id: str) -> RemoteBuild:
        looks.append(build_id)
        if len(looks) == 20:
            eas.ends["ios"] = "FINISHED"
        return original(build_id)

    eas.view_build = view  # type: ignore[method-assign]
    slept = run(tmp_path, eas, PUBLISHBUILD_PLATFORM="ios", PUBLISHBUILD_SUBMIT="false").slept
    assert slept[0] == 10
    assert slept == sorted(slept)
    assert slept[-1] == 30


def test_an_app_folder_outside_the_source_is_refused(tmp_path: Path) -> None:
    """A folder that is not there fails at once, and so does a link that leads out."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "out").symlink_to("/etc")
    for path in ("missing", "out"):
        with pytest.raises(AttemptFailed, match=path):
            run(tmp_path, FakeEas(), FakeClone(source), PUBLISHBUILD_SOURCE_PATH=path)
