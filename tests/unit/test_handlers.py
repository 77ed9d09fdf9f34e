"""The watcher starts kopf again whenever it ends."""

from __future__ import annotations

import time

import pytest
from structlog.testing import capture_logs

from publishbuild.handlers import LONGEST_RESTART_SECONDS, Watcher, settings


def pauses_of(monkeypatch: pytest.MonkeyPatch, lasted: list[float]) -> tuple[list[float], int]:
    """The pauses of a watcher whose watches end after so many seconds each, and how many warnings there were."""
    now = [0.0]
    pauses: list[float] = []
    watcher = Watcher(lambda *_: None, ())

    async def watch() -> None:
        now[0] += lasted[len(pauses)]
        raise ConnectionError("410 Gone")

    def wait(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == len(lasted):
            watcher._stop.set()

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(watcher, "_run_kopf", watch)
    monkeypatch.setattr(watcher._stop, "wait", wait)
    with capture_logs() as logs:
        watcher._watch()
    return pauses, len(logs)


def test_a_watch_that_ends_at_once_is_started_with_growing_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """An API server that is away is not stormed, and each end is one warning."""
    assert pauses_of(monkeypatch, [0.0] * 8) == ([0.5, 1, 2, 4, 8, 16, 30, 30], 8)


def test_a_watch_that_went_well_is_started_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ends that are hours apart do not add up to long pauses."""
    assert pauses_of(monkeypatch, [LONGEST_RESTART_SECONDS + 1] * 5) == ([0.5] * 5, 5)


def test_kopf_writes_nothing() -> None:
    """Watching alone: no events, no scanning, and a silent connection is noticed."""
    made = settings()
    assert made.posting.enabled is False
    assert made.scanning.disabled is True
    assert made.watching.inactivity_timeout == 70.0
