"""One attempt in progress: what it was given, what it knows, and what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import tenacity

from publishbuild.names import EXIT_DONE, EXIT_GIVE_UP, EXIT_RETRY
from publishbuild.runner.failures import AttemptFailed, FailureClass, give_up
from publishbuild.runner.next_step import ENDED
from publishbuild.runner.progress import sentence
from publishbuild.runner.result import BuildResult, FailureResult, RunResult, SubmissionResult

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from structlog.typing import FilteringBoundLogger

    from publishbuild.runner.eas import EasCli
    from publishbuild.runner.git import Clone
    from publishbuild.runner.next_step import PlatformFacts, RemoteBuild, RemoteSubmission, Step
    from publishbuild.runner.settings import RunnerSettings

T = TypeVar("T")

LONGEST_POLL_SECONDS = 30.0
READ_ATTEMPTS = 8


def _accept(_app: Path) -> None:
    """Nothing to check."""


@dataclass
class Attempt:
    """One attempt. ``sleep`` is handed in; ``report`` is called with every new state, and may be with an old one.

    ``doing``: the step that each platform is in the middle of. ``eas``: there since the source is checked out.
    ``check_app`` and ``prepare_app`` are given the app's folder and raise `AttemptFailed`.
    """

    settings: RunnerSettings
    clone: Clone
    open_app: Callable[[Path], EasCli]
    prepare_app: Callable[[Path], None]
    report: Callable[[RunResult], None]
    sleep: Callable[[float], None]
    log: FilteringBoundLogger
    check_app: Callable[[Path], None] = _accept
    commit: str | None = None
    eas: EasCli | None = None
    stage: str | None = None
    doing: dict[str, Step] = field(default_factory=dict)
    facts: dict[str, PlatformFacts] = field(default_factory=dict)
    failures: dict[str, FailureClass] = field(default_factory=dict)

    def result(self) -> RunResult:
        """What is known so far, as the operator reads it."""
        worst = self.worst_failure()
        return RunResult(
            commit=self.commit,
            builds=tuple(_build_result(name, facts.build) for name, facts in self.facts.items() if facts.build),
            submissions=tuple(
                _submission_result(name, facts.submission) for name, facts in self.facts.items() if facts.submission
            ),
            failure=FailureResult(reason=worst.reason, message=worst.message) if worst else None,
            message=self.stage or sentence(self.facts, self.doing, self.failures),
        )

    def tell(self, stage: str | None = None) -> None:
        """Report what is known; ``stage`` says what is done before the platforms are on their way."""
        self.stage = stage
        self.report(self.result())

    def worst_failure(self) -> FailureClass | None:
        """The failure to report: one that a retry may help comes first, since then there will be one."""
        return min(self.failures.values(), key=lambda failure: not failure.retryable, default=None)

    def exit_code(self) -> int:
        """0 all done, 1 another attempt may help, 64 none will."""
        worst = self.worst_failure()
        if worst is None:
            return EXIT_DONE
        return EXIT_RETRY if worst.retryable else EXIT_GIVE_UP

    def going_on(self) -> list[str]:
        """The builds that have not ended, as people call them."""
        builds = ((name, facts.build) for name, facts in self.facts.items())
        return [f"{name} build {build.id}" for name, build in builds if build and build.status not in ENDED]

    def open_source(self, *, check: bool = True) -> EasCli:
        """Check out the source and make ``eas`` ready in the app's folder.

        Raises:
            AttemptFailed: the source, its app folder or its configuration is not usable.
        """
        self.fetch()
        return self.prepare(check=check)

    def fetch(self) -> None:
        """Check out the source.

        Raises:
            AttemptFailed: it cannot be had.
        """
        settings = self.settings
        self.tell("fetching the source")
        self.commit = self.clone.fetch(settings.source_url, settings.source_revision)
        self.log.info("source is checked out", commit=self.commit, revision=settings.source_revision)

    def prepare(self, *, check: bool = True) -> EasCli:
        """Make ``eas`` ready in the app's folder of the commit that is checked out."""
        self.eas = self.open_app(self.ready_app(check=check))
        return self.eas

    def ready_app(self, *, check: bool = True) -> Path:
        """The app's folder of the commit that is checked out, checked and prepared.

        Raises:
            AttemptFailed: the folder or its configuration is not usable.
        """
        self.tell("the source is checked out; the app is prepared")
        app = self._app_folder()
        if check:
            self.check_app(app)
        self.prepare_app(app)
        return app

    def reading(self, read: Callable[[], T]) -> T:
        """Repeat what may be repeated when it failed for a passing reason; the last failure is the attempt's."""
        pause = self.settings.poll_seconds
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda e: isinstance(e, AttemptFailed) and e.failure.retryable),
            stop=tenacity.stop_after_attempt(READ_ATTEMPTS),
            wait=tenacity.wait_exponential(multiplier=pause, max=max(pause, LONGEST_POLL_SECONDS)),
            sleep=self.sleep,
            reraise=True,
        )
        return retrying(read)

    def _app_folder(self) -> Path:
        root = self.clone.folder.resolve()
        folder = (root / self.settings.source_path).resolve()
        if not folder.is_relative_to(root) or not folder.is_dir():
            raise give_up("SourcePathNotFound", f"the source has no folder {self.settings.source_path!r}")
        return folder


def _build_result(platform: str, build: RemoteBuild) -> BuildResult:
    return BuildResult(
        platform=platform,
        id=build.id,
        status=build.status,
        logs_url=build.page_url,
        artifact_url=build.artifact_url,
        app_version=build.app_version,
        app_build_version=build.app_build_version,
    )


def _submission_result(platform: str, submission: RemoteSubmission) -> SubmissionResult:
    return SubmissionResult(platform=platform, id=submission.id, status=submission.status, url=submission.page_url)
