"""Leaves the attempt's report in the termination log: after every change, and with the failure at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from publishbuild.names import EXIT_DONE, EXIT_GIVE_UP, EXIT_RETRY
from publishbuild.runner.result import FailureResult, RunResult

if TYPE_CHECKING:
    from pathlib import Path

    from structlog.typing import FilteringBoundLogger

    from publishbuild.runner.execute import Attempt
    from publishbuild.runner.failures import FailureClass
    from publishbuild.runner.logs import LogTail
    from publishbuild.runner.redact import Redactor


class Report:
    """The one writer of the termination log."""

    def __init__(self, path: Path, redactor: Redactor, tail: LogTail, log: FilteringBoundLogger) -> None:
        self._path = path
        self._redactor = redactor
        self._tail = tail
        self._log = log

    def progress(self, result: RunResult) -> None:
        """Write what is known so far, so that an attempt that is killed has named the builds it started."""
        self._write(result)

    def end(self, attempt: Attempt | None, failure: FailureClass | None) -> int:
        """Write the last word and return the exit code that goes with it."""
        result = attempt.result() if attempt else RunResult()
        if failure is None:
            self._log.info("done", commit=result.commit)
            self._write(result)
            return EXIT_DONE
        self._log.error(failure.message, reason=failure.reason, retryable=failure.retryable)
        update = {
            "failure": FailureResult(reason=failure.reason, message=self._redactor(failure.message)),
            "log_tail": self._tail.text(),
        }
        self._write(result.model_copy(update=update))
        return EXIT_RETRY if failure.retryable else EXIT_GIVE_UP

    def _write(self, result: RunResult) -> None:
        if result.failure is not None:
            message = self._redactor(result.failure.message)
            failure = FailureResult(reason=result.failure.reason, message=message)
            result = result.model_copy(update={"failure": failure})
        try:
            self._path.write_text(result.to_message())
        except OSError as error:
            self._log.warning("the report could not be written", path=str(self._path), error=str(error))
