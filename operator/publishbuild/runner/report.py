"""Leaves the attempt's report in the termination log; on the way also in the log and with the operator."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TextIO

from publishbuild.names import EXIT_DONE, EXIT_GIVE_UP, EXIT_RETRY
from publishbuild.runner.result import FailureResult, RunResult

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from structlog.typing import FilteringBoundLogger

    from publishbuild.runner.attempt import Attempt
    from publishbuild.runner.failures import FailureClass
    from publishbuild.runner.logs import LogTail
    from publishbuild.runner.redact import Redactor

_TEXTS = frozenset({"message", "log_tail", "logs_url", "artifact_url", "url"})


class Report:
    """The one writer of the termination log, and of the progress lines on ``stream`` (stdout)."""

    def __init__(
        self,
        path: Path,
        redactor: Redactor,
        tail: LogTail,
        log: FilteringBoundLogger,
        *,
        stream: TextIO | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._path = path
        self._redactor = redactor
        self._tail = tail
        self._log = log
        self._stream = stream or sys.stdout
        self._tell = tell
        self._told: RunResult | None = None

    def progress(self, result: RunResult) -> None:
        """Tell what is known so far, unless that was told before.

        An attempt that is killed has named the builds it started, and whoever reads the log need not wait for its end.
        """
        if self._told is not None and result.message is None:
            # Between two steps there may be nothing to say; that is no news.
            result = result.model_copy(update={"message": self._told.message})
        if result == self._told:
            return
        self._told = result
        self._stream.write(self._clean(result).to_progress() + "\n")
        self._stream.flush()
        self._tell(self._clean(result).to_message())
        self._write(result)

    def end(self, attempt: Attempt | None, failure: FailureClass | None, message: str | None = None) -> int:
        """Write the last word and return the exit code that goes with it."""
        result = (attempt.result() if attempt else RunResult()).model_copy(update={"message": message})
        if failure is None:
            self._log.info("done", **({"commit": result.commit} if result.commit else {}))
            self._write(result)
            return EXIT_DONE
        self._log.error(failure.message, reason=failure.reason, retryable=failure.retryable)
        update = {
            "failure": FailureResult(reason=failure.reason, message=failure.message),
            "log_tail": self._tail.text(),
        }
        self._write(result.model_copy(update=update))
        return EXIT_RETRY if failure.retryable else EXIT_GIVE_UP

    def _write(self, result: RunResult) -> None:
        try:
            self._path.write_text(self._clean(result).to_message())
        except OSError as error:
            self._log.warning("the report could not be written", path=str(self._path), error=str(error))

    def _clean(self, result: RunResult) -> RunResult:
        """The same report without secrets in any of its texts and links; ids and statuses are EAS's own words."""

        def clean(value: object, key: str = "") -> object:
            if isinstance(value, str):
                return self._redactor(value) if key in _TEXTS else value
            if isinstance(value, dict):
                return {name: clean(item, name) for name, item in value.items()}
            return [clean(item) for item in value] if isinstance(value, (list, tuple)) else value

        return RunResult.model_validate(clean(result.model_dump()))
