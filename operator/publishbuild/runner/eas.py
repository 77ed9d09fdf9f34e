"""The only caller of ``eas-cli``. Every command ends by itself (``--no-wait``): waiting is ours, by polling.

What counts is the JSON, not the exit code: a build that ended ERRORED gives 1 with its JSON, one that was canceled 0.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from publishbuild.runner import process
from publishbuild.runner.eas_shapes import build, created, submission, within
from publishbuild.runner.failures import AttemptFailed, FailureClass, classify_eas
from publishbuild.runner.next_step import best_build, best_submission

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from structlog.typing import FilteringBoundLogger

    from publishbuild.runner.next_step import RemoteBuild, RemoteSubmission

CREATE_TIMEOUT_SECONDS = 1800
READ_TIMEOUT_SECONDS = 180
PAGE = 50
# Builds come newest first and none of ours is older than its PublishBuild's first attempt, so looking further back
# than any Job lives only costs time in a project with thousands of builds.
HORIZON = timedelta(days=14)
_NO_RESEND = Path(__file__).with_name("no_resend.cjs")


class EasCli:
    """``eas`` in one app folder."""

    def __init__(
        self,
        app: Path,
        environment: Mapping[str, str],
        log: FilteringBoundLogger,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._app = app
        self._environment = _without_resending(environment)
        self._log = log
        self._now = now
        self._program = environment.get("EAS_CLI") or "eas"

    def find_build(self, platform: str, profile: str, message: str) -> RemoteBuild | None:
        """The build to go on with, of those that `find_builds` finds; None where there is none."""
        return best_build(self.find_builds(platform, profile, message))

    def find_builds(self, platform: str, profile: str, message: str) -> list[RemoteBuild]:
        """The builds that earlier attempts started, known by their message, newest first.

        Not filtered by commit: a branch may have moved since, and the build that was paid for is the one to go on with.
        """
        command = ("build:list", "-p", platform, "-e", profile, "--limit", str(PAGE))
        return [build(item) for item in self._pages(*command) if item.get("message") == message]

    def create_build(self, platform: str, profile: str, message: str) -> RemoteBuild:
        """Upload the project and start a build. Never repeated here: a lost answer may hide a started build."""
        command = (
            "build",
            "-p",
            platform,
            "-e",
            profile,
            "-m",
            message,
            "--no-wait",
            "--json",
            "--non-interactive",
        )
        builds = self._json(*command, timeout=CREATE_TIMEOUT_SECONDS, quiet=False)
        if not isinstance(builds, list) or not builds or not isinstance(builds[0], dict):
            raise AttemptFailed(FailureClass("EasCliFailed", "eas build printed no build", retryable=True))
        return build(builds[0])

    def view_build(self, build_id: str) -> RemoteBuild:
        """The build as it stands now."""
        found = self._json("build:view", build_id, "--json")
        if not isinstance(found, dict):
            raise AttemptFailed(FailureClass("EasCliFailed", "eas build:view printed no build", retryable=True))
        return build(found)

    def cancel_build(self, build_id: str) -> None:
        """Have EAS stop the build; one that has ended stays as it is."""
        self._run_or_fail("build:cancel", build_id, "--non-interactive", timeout=READ_TIMEOUT_SECONDS)

    def cancel_submission(self, submission_id: str) -> None:
        """Have EAS stop the submission; one that has ended stays as it is."""
        self._run_or_fail("submit:cancel", submission_id, "--non-interactive", timeout=READ_TIMEOUT_SECONDS)

    def find_submission(self, platform: str, build_id: str) -> RemoteSubmission | None:
        """The submission of this build, by whomever it was made; None where there is none."""
        items = self._pages("submit:list", "-p", platform, "--limit", str(PAGE))
        mine = (item for item in items if within(item, "submittedBuild").get("id") == build_id)
        return best_submission([submission(item) for item in mine])

    def create_submission(self, platform: str, profile: str, build_id: str) -> None:
        """Hand the build to the store. ``eas submit`` prints no JSON: its id is found by `find_submission`."""
        command = (
            "submit",
            "-p",
            platform,
            "-e",
            profile,
            "--id",
            build_id,
            "--no-wait",
            "--non-interactive",
        )
        self._run_or_fail(*command)

    def retry_submission(self, submission_id: str) -> None:
        """Have EAS run a failed submission again."""
        self._run_or_fail("submit:retry", submission_id, "--non-interactive")

    def _pages(self, *command: str) -> list[dict[str, Any]]:
        """All items of a list command, newest first, back to the horizon."""
        oldest = self._now() - HORIZON
        items: list[dict[str, Any]] = []
        while True:
            page = self._json(*command, "--offset", str(len(items)), "--json", "--non-interactive")
            if not isinstance(page, list):
                raise AttemptFailed(FailureClass("EasCliFailed", f"eas {command[0]} printed no list", retryable=True))
            items += [item for item in page if isinstance(item, dict)]
            if len(page) < PAGE or created(page[-1]) < oldest:
                return items

    def _json(self, *arguments: str, timeout: float = READ_TIMEOUT_SECONDS, quiet: bool = True) -> Any:
        """The JSON that a command prints. Reads are quiet: a line for every poll would bury what matters."""
        done = self._run(*arguments, timeout=timeout, quiet=quiet, quiet_stdout=True)
        try:
            return json.loads(done.stdout)
        except ValueError:
            # With --json some errors go to stdout, so they were not in the log yet.
            for line in (done.output if quiet else done.stdout).splitlines():
                if line.strip():
                    self._log.info(line.rstrip(), output="eas")
            raise AttemptFailed(classify_eas(done.output)) from None

    def _run_or_fail(self, *arguments: str, timeout: float = CREATE_TIMEOUT_SECONDS) -> None:
        done = self._run(*arguments, timeout=timeout)
        if done.exit_code != 0:
            raise AttemptFailed(classify_eas(done.output))

    def _run(
        self, *arguments: str, timeout: float, quiet: bool = False, quiet_stdout: bool = False
    ) -> process.Finished:
        return process.run(
            (self._program, *arguments),
            cwd=self._app,
            environment=self._environment,
            log=self._log,
            timeout=timeout,
            quiet=quiet,
            quiet_stdout=quiet_stdout,
        )


def _without_resending(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment in which the CLI sends no creation twice by itself."""
    ours = f"--require={json.dumps(str(_NO_RESEND))}"
    return {**environment, "NODE_OPTIONS": f"{environment.get('NODE_OPTIONS', '')} {ours}".strip()}
