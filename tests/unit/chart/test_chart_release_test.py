"""What `helm test --logs` shows on a terminal: the last word of the pod that waits for a build."""

from __future__ import annotations

import io
import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from tests.support.hostile_texts import HOSTILE, MARK, unsafe

PROGRAM = Path(__file__).resolve().parents[3] / "charts/publishbuild-operator/files/wait_for_build.py"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_failure_is_one_line_of_text(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The condition of a build that failed is told on one line that no terminal acts on."""
    condition = {"type": "Succeeded", "status": "False", "reason": "Failed", "message": HOSTILE[name]}
    answer = json.dumps({"status": {"conditions": [condition]}})

    def answered(*_: Any, **__: Any) -> io.BytesIO:
        return io.BytesIO(answer.encode())

    (tmp_path / "token").write_text("none")
    monkeypatch.setattr("urllib.request.urlopen", answered)
    monkeypatch.setattr("ssl.create_default_context", lambda **_: None)
    told = runpy.run_path(str(PROGRAM))["told"]
    told.__globals__["ACCOUNT"] = tmp_path
    assert told("shop", "app", "5") == 1
    said = capsys.readouterr().out
    assert MARK in said
    assert unsafe(said) == []
    assert said.count("\n") == 1
