"""``python -m publishbuild.runner [WORK]``: reads the environment, runs one attempt, always leaves a report behind.

Without WORK it is a whole attempt in one container. ``source``, ``dependencies`` and ``publish`` are an attempt in
three (see `publishbuild.runner.stages`). ``cancel`` starts nothing: it cancels on EAS what earlier attempts with the
same environment have started there.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from publishbuild.names import DEPENDENCIES_CONTAINER, PUBLISH_STAGE, SOURCE_CONTAINER
from publishbuild.runner.assemble import (
    Parts,
    make_attempt,
    make_publish_stage,
    make_source_stage,
    source_secrets,
)
from publishbuild.runner.callback import Callback
from publishbuild.runner.cancel import cancel_remote
from publishbuild.runner.execute import execute_build_and_submit
from publishbuild.runner.failures import AttemptFailed, FailureClass
from publishbuild.runner.logs import LogTail, make_log
from publishbuild.runner.process import hide_from_children
from publishbuild.runner.redact import Redactor, secret_values
from publishbuild.runner.report import Report
from publishbuild.runner.settings import DEFAULT_TERMINATION_LOG, SettingsError, read_settings
from publishbuild.runner.stages import install_dependencies

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import FrameType

    from structlog.typing import FilteringBoundLogger

    from publishbuild.runner.attempt import Attempt

# With the wait for the mark and the end of the children it fits into the pod's 60 s of grace.
CANCEL_SECONDS = 25.0
CANCEL = "cancel"
# Those that can cancel on EAS when they are stopped: the others hold no token for it.
_WITH_EAS = ("", PUBLISH_STAGE)


class Terminated(BaseException):
    """SIGTERM came. Not an Exception, so that nothing but the end of the attempt catches it."""


class OutOfTime(BaseException):
    """What had to be done before the pod is killed took too long."""


@dataclass
class _Run:
    """What the end of a run needs to know, however it ends. ``message``: what was cancelled."""

    report: Report
    log: FilteringBoundLogger
    attempt: Attempt | None = None
    message: str | None = None


def main(environment: Mapping[str, str], arguments: Sequence[str] = ()) -> int:
    """Run one attempt and return the exit code: 0 done, 1 another attempt may help, 64 none will."""
    hide_from_children()
    redactor = Redactor(secret_values(environment) | source_secrets(environment))
    tail = LogTail()
    log = make_log(redactor, tail)
    path = Path(environment.get("PUBLISHBUILD_TERMINATION_LOG") or DEFAULT_TERMINATION_LOG)
    callback = Callback.from_environment(environment)
    run = _Run(Report(path, redactor, tail, log, tell=callback.tell), log)
    signal.signal(signal.SIGTERM, _on_sigterm)
    try:
        failure = _failure_of(run, environment, arguments)
        # Nothing may interrupt the writing of the report.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    except Terminated:
        failure = _stopped(run, callback) if " ".join(arguments) in _WITH_EAS else _terminated()
    return run.report.end(run.attempt, failure, run.message)


def _failure_of(run: _Run, environment: Mapping[str, str], arguments: Sequence[str]) -> FailureClass | None:
    try:
        work = " ".join(arguments)
        if work not in _WORKS:
            known = ", ".join(repr(name) for name in _WORKS if name)
            message = f"the runner knows the arguments {known}, not {work!r}"
            return FailureClass("InvalidArguments", message, retryable=False)
        return _WORKS[work](run, Parts(read_settings(environment), environment, run.report.progress, run.log))
    except SettingsError as error:
        return FailureClass("InvalidSettings", "; ".join(str(error).splitlines()), retryable=False)
    except AttemptFailed as error:
        return error.failure
    except Exception as error:  # the report must be left behind whatever happens
        run.log.exception("unexpected error")
        return FailureClass("RunnerError", f"{type(error).__name__}: {error}", retryable=True)


def _whole(run: _Run, parts: Parts) -> FailureClass | None:
    run.attempt = make_attempt(parts)
    execute_build_and_submit(run.attempt)
    return run.attempt.worst_failure()


def _source(run: _Run, parts: Parts) -> FailureClass | None:
    run.attempt = make_source_stage(parts)
    run.attempt.fetch()
    run.attempt.ready_app()
    return None


def _dependencies(run: _Run, parts: Parts) -> FailureClass | None:
    install_dependencies(parts.source, parts.settings, parts.children(), run.log)
    return None


def _publish(run: _Run, parts: Parts) -> FailureClass | None:
    run.attempt = make_publish_stage(parts)
    execute_build_and_submit(run.attempt)
    return run.attempt.worst_failure()


def _cancel(run: _Run, parts: Parts) -> FailureClass | None:
    run.attempt = make_attempt(parts)
    canceled = cancel_remote(run.attempt)
    run.message = canceled.said
    return canceled.failure


_WORKS = {
    "": _whole,
    SOURCE_CONTAINER: _source,
    DEPENDENCIES_CONTAINER: _dependencies,
    PUBLISH_STAGE: _publish,
    CANCEL: _cancel,
}


def _stopped(run: _Run, callback: Callback) -> FailureClass:
    """SIGTERM: what is stopped for good is cancelled on EAS too; any other build goes on there for the next attempt."""
    why = callback.stop_reason() if run.attempt else None
    if run.attempt is None or why is None:
        return _terminated()
    run.log.info("the build is stopped for good; cancelling on EAS", why=why)
    try:
        with _time_limit(CANCEL_SECONDS):
            run.message = cancel_remote(run.attempt).said
    except OutOfTime:
        going = ", ".join(run.attempt.going_on()) or "builds"
        run.message = f"not all could be canceled within {CANCEL_SECONDS:.0f} s; {going} may go on at EAS"
    except Exception as error:  # as above
        run.log.exception("unexpected error")
        run.message = f"canceling on EAS failed: {type(error).__name__}: {error}"
    # Never worth a retry: the next pod would build after all.
    return FailureClass("Cancelled", run.message, retryable=False)


def _terminated() -> FailureClass:
    message = "the attempt was stopped (SIGTERM); builds on EAS go on and the next attempt finds them"
    return FailureClass("Terminated", message, retryable=True)


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """`OutOfTime` after ``seconds``, in the main thread, wherever it is then."""

    def on_alarm(_signal: int, _frame: FrameType | None) -> None:
        raise OutOfTime

    signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _on_sigterm(_signal: int, _frame: FrameType | None) -> None:
    # A second one must not interrupt the writing of the report.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Terminated


if __name__ == "__main__":
    sys.exit(main(os.environ, sys.argv[1:]))
