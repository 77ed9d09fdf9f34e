"""The table of what was injected and what came of it, for the terminal and for docs/reliability.md. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tests.faults.run import Result


def summary(results: Sequence[Result]) -> dict[str, Any]:
    """The figures of all runs."""
    injected: Counter[str] = Counter()
    for result in results:
        injected.update({str(kind): count for kind, count in result.history.injected.items() if count > 0})
    return {
        "runs": len(results),
        "good": sum(1 for result in results if not result.violations),
        "builds": sum(len(result.plan.builds) for result in results),
        "jobs": sum(len({job.uid for job in result.history.jobs}) for result in results),
        "processes_ended": sum(len(result.history.exits) for result in results),
        "writes": sum(len(result.history.writes) for result in results),
        "status_changes": sum(len(result.history.builds) for result in results),
        "slowest_seconds": round(max((result.seconds for result in results), default=0.0), 1),
        "injected": dict(sorted(injected.items())),
        "violations": [f"{result.plan.title}: {said}" for result in results for said in result.violations],
    }


def table(results: Sequence[Result]) -> str:
    """The figures, as Markdown."""
    figures = summary(results)
    injected: dict[str, int] = figures["injected"]
    said = (
        f"{figures['good']} of {figures['runs']} runs without a broken promise: {figures['builds']} builds, "
        f"{figures['jobs']} Jobs seen, {figures['status_changes']} changes of builds and {figures['writes']} writes "
        f"judged, {figures['processes_ended']} ends of operator processes, {sum(injected.values())} faults and acts; "
        f"slowest run {figures['slowest_seconds']} s."
    )
    lines = [
        said,
        "",
        "| fault or act | times |",
        "|---|---|",
        *(f"| {kind} | {count} |" for kind, count in injected.items()),
    ]
    return "\n".join(lines)
