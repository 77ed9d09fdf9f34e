"""What the attempts made: commit, EAS builds and submissions.

The last word of an attempt that has ended stays. What a pod reports while it runs is shown as long as it runs: whoever
can report in its place can show something wrong for a time, and leave nothing behind.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from publishbuild.decide import attempts
from publishbuild.decide.facts import PodFacts
from publishbuild.models.status import (
    BuildStatus,
    Provisional,
    ProvisionalField,
    PublishBuildStatus,
    SourceStatus,
    SubmissionStatus,
)
from publishbuild.runner.result import RunResult

_FIELDS: tuple[ProvisionalField, ...] = get_args(ProvisionalField)
_NOTHING = PublishBuildStatus()


def with_results(
    status: PublishBuildStatus, pods: tuple[PodFacts, ...], progress: RunResult | None = None, *, job_runs: bool
) -> PublishBuildStatus:
    """``status`` with what the attempts say; the newest word wins.

    ``progress`` is what the newest attempt has reported so far. It counts while that runs, and with it the Job.
    """
    ordered = sorted(pods, key=attempts.age)
    settled = _with(_without_provisional(status), map(attempts.report_of, ordered))
    newest = ordered[-1] if ordered else None
    if newest is None or not newest.runs or not job_runs:
        return settled
    shown = _with(settled, (progress,)) if progress else _as_before(settled, status, newest)
    fields = tuple(field for field in _FIELDS if getattr(shown, field) != getattr(settled, field))
    return shown.model_copy(update={"provisional": Provisional(pod=newest.name, fields=fields) if fields else None})


def _with(status: PublishBuildStatus, results: Iterable[RunResult | None]) -> PublishBuildStatus:
    changes: dict[str, object] = {}
    for result in results:
        if result is None:
            continue
        if result.commit:
            changes["source"] = SourceStatus(commit=result.commit)
        if result.builds:
            changes["builds"] = tuple(BuildStatus.model_validate(b.model_dump()) for b in result.builds)
        if result.submissions:
            changes["submissions"] = tuple(SubmissionStatus.model_validate(s.model_dump()) for s in result.submissions)
    return status.model_copy(update=changes)


def _without_provisional(status: PublishBuildStatus) -> PublishBuildStatus:
    if status.provisional is None:
        return status
    empty: dict[str, object] = {field: getattr(_NOTHING, field) for field in status.provisional.fields}
    return status.model_copy(update=empty | {"provisional": None})


def _as_before(settled: PublishBuildStatus, status: PublishBuildStatus, newest: PodFacts) -> PublishBuildStatus:
    """A new leader has not heard the pod yet: what its predecessor has heard of it is shown still."""
    if status.provisional is None or status.provisional.pod != newest.name:
        return settled
    return settled.model_copy(update={field: getattr(status, field) for field in status.provisional.fields})
