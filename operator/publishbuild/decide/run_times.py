"""How long builds usually run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

# Fewer runs than these of one kind say less about it than all runs together.
_RUNS_OF_A_KIND = 3

# Platform and profile: what makes builds run about equally long.
Kind = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Run:
    """One build that has ended: from the launch of its Job to its end, all attempts and pauses between them."""

    kind: Kind
    seconds: float


def usual_seconds(runs: Iterable[Run]) -> Callable[[Kind], float] | None:
    """Tells how long a build of a kind usually runs: the median of its kind, else of all. None without any run."""
    by_kind: dict[Kind, list[float]] = {}
    for run in runs:
        by_kind.setdefault(run.kind, []).append(run.seconds)
    if not by_kind:
        return None
    overall = median(seconds for many in by_kind.values() for seconds in many)
    known = {kind: median(many) for kind, many in by_kind.items() if len(many) >= _RUNS_OF_A_KIND}
    return lambda kind: known.get(kind, overall)
