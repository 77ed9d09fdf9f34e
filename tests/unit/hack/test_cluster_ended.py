"""The part that ended is named at once, with what it said last, and not one that waited for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hack.cluster import ended, starting
from hack.cluster.places import ClusterError, State
from hack.cluster.processes import end, start

GO_PANIC = """
--- 2026-01-01T00:00:00Z etcd --flag
old words
--- 2026-01-01T00:00:01Z etcd --flag
{"level":"warn","msg":"slow"}
{"level":"panic","msg":"no space left on device"}
panic: no space left on device

goroutine 1 [running]:
go.uber.org/zap/zapcore.CheckWriteAction.OnWrite(0x0)
\tzapcore/entry.go:196 +0x54
"""


@pytest.fixture
def state(tmp_path: Path) -> State:
    state = State(tmp_path / "s")
    state.make()
    return state


def test_a_part_that_others_wait_for_is_named_at_once(state: State) -> None:
    """etcd dies while the API server is waited for: etcd is named in the first look, and the wait ends."""
    etcd, server = (start(state, name, ["sleep", "600"]) for name in ("etcd", "kube-apiserver"))
    end([etcd])
    looks: list[None] = []
    try:
        with pytest.raises(ClusterError, match=r"^etcd ended; its log .*/logs/etcd\.log"):
            starting._until(state, ["etcd", "kube-apiserver"], "kube-apiserver", lambda: looks.append(None))
    finally:
        end([server])
    assert looks == []


def test_of_two_that_ended_the_one_that_starts_first_is_named(state: State) -> None:
    """The other one ended for want of it."""
    end([start(state, name, ["sleep", "600"]) for name in ("etcd", "kube-apiserver")])
    assert ended.first_ended(state, ["etcd", "kube-apiserver"]) == "etcd"


def test_the_reason_is_in_words_and_of_the_newest_run(state: State) -> None:
    """Stacks of a program in Go, and earlier runs, are left out."""
    (state / "logs" / "etcd.log").write_text(GO_PANIC)
    assert ended.last_words(state / "logs" / "etcd.log") == [
        '{"level":"warn","msg":"slow"}',
        '{"level":"panic","msg":"no space left on device"}',
        "panic: no space left on device",
    ]


def test_a_long_log_is_read_from_its_end_and_a_long_line_cut(state: State) -> None:
    """A log of any size and any bytes costs a look at its end."""
    log = state / "logs" / "etcd.log"
    log.write_bytes(b"first\n" + b"\xff" * 200_000 + b"\nlast\n")
    assert ended.last_words(log)[-1] == "last"
    assert all(len(line) <= 300 for line in ended.last_words(log))


def test_a_part_without_words_is_told_all_the_same(state: State) -> None:
    """Where there is no log, or nothing in it, the line says so."""
    assert ended.told(state, "etcd") == f"etcd ended; its log {state / 'logs' / 'etcd.log'} says no reason"
