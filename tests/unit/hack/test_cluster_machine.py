"""What the machine is, told by what nobody else can pretend."""

from __future__ import annotations

from pathlib import Path

import pytest

from hack.cluster import machine

STATUS = "Name:\t{name}\nUmask:\t0022\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\n"


def test_only_roots_kubelet_makes_a_machine_a_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any user can name a program kubelet, and would keep the real node from coming up."""
    monkeypatch.setattr(machine, "PROC", tmp_path)
    for pid, name, uid in ((7, "kubelet", 0), (8, "kubelet", 65534), (9, "sleep", 0)):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "status").write_text(STATUS.format(name=name, uid=uid))
    (tmp_path / "10").mkdir()  # it ended meanwhile
    assert machine.kubelets() == [7]
