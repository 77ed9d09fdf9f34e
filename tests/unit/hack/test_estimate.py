"""How long is left, as people are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from hack import estimate


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_a_step_never_seen_has_no_estimate() -> None:
    """Nothing is guessed on a machine that never did it."""
    assert estimate.remaining("build", 0) is None


def test_the_time_left_follows_from_the_last_time() -> None:
    """A step is told to take as long as it took here, and never less than nothing."""
    estimate.record("build", 100)
    assert estimate.remaining("build", 40) == 60
    assert estimate.remaining("build", 400) == 0


def test_the_time_left_follows_from_the_pace() -> None:
    """A quarter done in 10 s leaves 30 s; too little done says nothing."""
    assert estimate.left(10, 0.25) == 30
    assert estimate.left(10, 0.001) is None


def test_a_spoiled_record_is_no_record(tmp_path: Path) -> None:
    """A file that cannot be read costs the estimates, and nothing else."""
    (tmp_path / "publishbuild").mkdir()
    (tmp_path / "publishbuild" / "durations.json").write_text("{")
    assert estimate.remaining("build", 0) is None
    estimate.record("build", 5)
    assert estimate.remaining("build", 0) == 5


@pytest.mark.parametrize(("seconds", "text"), [(0, "0 s"), (59.4, "59 s"), (60, "1 min 0 s"), (161, "2 min 41 s")])
def test_times_read_as_people_say_them(seconds: float, text: str) -> None:
    """Minutes and seconds."""
    assert estimate.duration(seconds) == text
