"""``python -m publishbuild.runner``: reads the environment, runs one attempt, always leaves a report behind."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from publishbuild.runner.child_environment import child_environment
from publishbuild.runner.eas import EasCli
from publishbuild.runner.execute import Attempt, execute_build_and_submit
from publishbuild.runner.failures import AttemptFailed, FailureClass
from publishbuild.runner.git import Clone, GitAccess
from publishbuild.runner.install import install
from publishbuild.runner.logs import LogTail, make_log
from publishbuild.runner.preflight import check_profiles
from publishbuild.runner.redact import Redactor, secret_values
from publishbuild.runner.report import Report
from publishbuild.runner.settings import DEFAULT_TERMINATION_LOG, SettingsError, read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

    from structlog.typing import FilteringBoundLogger

    from publishbuild.runner.settings import RunnerSettings


class Terminated(BaseException):
    """SIGTERM came. Not an Exception, so that nothing but the end of the attempt catches it."""


def main(environment: Mapping[str, str]) -> int:
    """Run one attempt and return the exit code: 0 done, 1 another attempt may help, 64 none will."""
    signal.signal(signal.SIGTERM, _on_sigterm)
    redactor = Redactor(secret_values(environment) | _source_secrets(environment))
    tail = LogTail()
    log = make_log(redactor, tail)
    report = Report(
        Path(environment.get("PUBLISHBUILD_TERMINATION_LOG") or DEFAULT_TERMINATION_LOG), redactor, tail, log
    )
    attempt: Attempt | None = None
    try:
        settings = read_settings(environment)
        attempt = _make_attempt(settings, environment, report, log)
        execute_build_and_submit(attempt)
    except SettingsError as error:
        return report.end(None, FailureClass("InvalidSettings", "; ".join(str(error).splitlines()), retryable=False))
    except AttemptFailed as error:
        return report.end(attempt, error.failure)
    except Terminated:
        message = "the attempt was stopped (SIGTERM); builds on EAS go on and the next attempt finds them"
        return report.end(attempt, FailureClass("Terminated", message, retryable=True))
    except Exception as error:  # the report must be left behind whatever happens
        log.exception("unexpected error")
        return report.end(attempt, FailureClass("RunnerError", f"{type(error).__name__}: {error}", retryable=True))
    return report.end(attempt, attempt.worst_failure())


def _make_attempt(
    settings: RunnerSettings, environment: Mapping[str, str], report: Report, log: FilteringBoundLogger
) -> Attempt:
    """Put the edges together. Everything is written below the work folder: the rest of the pod is read-only."""
    private = settings.workdir / ".publishbuild"
    shutil.rmtree(private, ignore_errors=True)
    children = child_environment(environment, private)
    access = GitAccess.prepare(children, settings.source_url, settings.source_secret_dir, private / "git")

    def prepare_app(app: Path) -> None:
        check_profiles(app, settings)
        install(app, settings, children, log)

    return Attempt(
        settings=settings,
        clone=Clone(settings.workdir / "source", access, log),
        open_app=lambda app: EasCli(app, children, log),
        prepare_app=prepare_app,
        report=report.progress,
        sleep=time.sleep,
        log=log,
    )


def _source_secrets(environment: Mapping[str, str]) -> set[str]:
    """What the mounted source Secret holds; a user name alone is no secret."""
    folder = Path(environment.get("PUBLISHBUILD_SOURCE_SECRET_DIR") or os.devnull)
    found = set()
    for name in ("password", "ssh-privatekey"):
        try:
            found.add((folder / name).read_text(errors="replace"))
        except OSError:
            continue
    return found


def _on_sigterm(_signal: int, _frame: FrameType | None) -> None:
    # A second one must not interrupt the writing of the report.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Terminated


if __name__ == "__main__":
    sys.exit(main(os.environ))
