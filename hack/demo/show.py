"""What people see of the demo: a table that lives while the builds run, and at the end what was made."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from publishbuild.cli.views.links import shown_link
from publishbuild.cli.views.styled import Part, styled
from publishbuild.printable import printable

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
        console.print()
        _say(console, (build["metadata"]["name"], "bold"), f": {status.get('phase')} ({_succeeded(build)['reason']})")
        commit = status.get("source", {}).get("commit", "-")
        _say(console, f"  attempts {status.get('attempts', 0)}, time taken {_taken(build)}, commit {commit}")
        for kind, page in (("builds", "logsURL"), ("submissions", "url")):
            for made in status.get(kind, ()):
                link = shown_link(made[page]) if page in made else ""
                _say(console, f"  EAS {kind[:-1]} {made['platform']:8} {made['id']} {made['status']} {link}")
        if status.get("failure"):
            _say(console, f"  failure: {status['failure']['reason']}: {status['failure']['message']}")


def _say(console: Console, *parts: Part) -> None:
    """One line. What a build says is text, and neither rich's markup nor an order to the terminal."""
    console.print(styled(*parts), soft_wrap=True)


def _table(builds: list[Object]) -> Table:
    table = Table("Build", "Phase", "Position", "Attempts", "Reason", "What it says", expand=True)
    for build in builds:
        table.add_row(*map(styled, _cells(build)))
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
    text = "\n".join(printable(_line(build)) for build in builds)
    for line in text.split("\n"):
        if line not in shown:
            _say(console, f"{datetime.now().astimezone():%H:%M:%S}  {line}")
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
