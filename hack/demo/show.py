"""What people see of the demo: a table that lives while the builds run, and at the end what was made."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

Object = dict[str, Any]
POLL_SECONDS = 0.5


def follow(console: Console, builds: Callable[[], list[Object]], *, seconds: float) -> list[Object]:
    """Show the builds until all have ended or ``seconds`` are over; the builds as they are then.

    On a terminal it is one table that lives; elsewhere a line for each change.
    """
    deadline, shown = time.monotonic() + seconds, ""
    with Live(console=console, refresh_per_second=4, transient=False) as live:
        while True:
            now = builds()
            if console.is_terminal:
                live.update(_table(now))
            else:
                shown = _lines(console, now, shown)
            if all(_ended(build) for build in now) or time.monotonic() > deadline:
                return now
            time.sleep(POLL_SECONDS)


def summary(console: Console, builds: list[Object]) -> None:
    """What each build made: phase, attempts, EAS builds and submissions with their pages, time taken."""
    for build in builds:
        status = build.get("status", {})
        console.print(f"\n[bold]{build['metadata']['name']}[/]: {status.get('phase')} ({_succeeded(build)['reason']})")
        console.print(f"  attempts {status.get('attempts', 0)}, time taken {_taken(build)}, ", end="")
        console.print(f"commit {status.get('source', {}).get('commit', '-')}", highlight=False)
        for kind, page in (("builds", "logsURL"), ("submissions", "url")):
            for made in status.get(kind, ()):
                line = f"  EAS {kind[:-1]} {made['platform']:8} {made['id']} {made['status']} {made.get(page, '')}"
                console.print(line, highlight=False, soft_wrap=True)
        if status.get("failure"):
            console.print(f"  failure: {status['failure']['reason']}: {status['failure']['message']}", soft_wrap=True)


def _table(builds: list[Object]) -> Table:
    table = Table("Build", "Phase", "Position", "Attempts", "Reason", "What it says", expand=True)
    for build in builds:
        table.add_row(*_cells(build))
    return table


def _cells(build: Object) -> tuple[str, ...]:
    status, succeeded = build.get("status", {}), _succeeded(build)
    return (
        build["metadata"]["name"],
        status.get("phase", "-"),
        str(status.get("queue", {}).get("position", "")),
        str(status.get("attempts", "")),
        succeeded["reason"],
        succeeded["message"],
    )


def _lines(console: Console, builds: list[Object], shown: str) -> str:
    text = "\n".join(_line(build) for build in builds)
    for line in text.splitlines():
        if line not in shown:
            console.print(f"{datetime.now().astimezone():%H:%M:%S}  {line}", highlight=False, soft_wrap=True)
    return text


def _line(build: Object) -> str:
    """``published  Queued at 2: GlobalLimit: …``; what the phase says already is not said twice."""
    name, phase, position, _, reason, message = _cells(build)
    told = [f"{phase} at {position}" if position else phase, *([reason] if reason not in {phase, "-"} else []), message]
    return f"{name:9}  {': '.join(part for part in told if part)}"


def _succeeded(build: Object) -> Object:
    conditions = build.get("status", {}).get("conditions", ())
    return next(
        (c for c in conditions if c["type"] == "Succeeded"), {"reason": "-", "message": "", "status": "Unknown"}
    )


def _ended(build: Object) -> bool:
    return bool(_succeeded(build)["status"] != "Unknown")


def _taken(build: Object) -> str:
    status = build.get("status", {})
    if "startTime" not in status or "completionTime" not in status:
        return "-"
    taken = datetime.fromisoformat(status["completionTime"]) - datetime.fromisoformat(status["startTime"])
    return f"{taken.total_seconds():.0f} s"
