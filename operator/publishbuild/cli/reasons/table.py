"""All reasons, and how to find one."""

from __future__ import annotations

from collections.abc import Mapping

from publishbuild.cli.reasons.eas import EAS
from publishbuild.cli.reasons.endings import ENDINGS
from publishbuild.cli.reasons.pods import ATTEMPT_ENDED, CANNOT_START
from publishbuild.cli.reasons.reason import Reason
from publishbuild.cli.reasons.source import SOURCE
from publishbuild.cli.reasons.waiting import WAITING


def _by_word(*tables: tuple[Reason, ...]) -> Mapping[str, Reason]:
    return {str(reason.word): reason for table in tables for reason in table}


WAITS = _by_word(WAITING)
"""By ``status.queue.reason``."""
POD_CANNOT_START = _by_word(CANNOT_START)
"""By the waiting reason of the runner's container, `Unschedulable`, or the reason of a pod's Event."""
ENDED = _by_word(ENDINGS)
"""By the reason of the condition ``Succeeded=False``."""
ATTEMPT_FAILED = _by_word(SOURCE, EAS, ATTEMPT_ENDED)
"""By ``status.failure.reason`` and ``status.failedAttempts[].reason``."""
