"""What another user may have put into the environment or beside the tools is never run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from hack.prepare import __main__ as prepare
from hack.prepare import venv

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", [".", "bin"])
def test_an_environment_that_others_may_write_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Its Python is not even asked who it is; a closed one is used as it is."""
    (tmp_path / "bin").mkdir()
    (tmp_path / ".ready-dev").write_text(venv.key())
    assert venv.is_ready("dev", tmp_path)
    (tmp_path / name).chmod(0o777)
    assert not venv.is_ready("dev", tmp_path)
    monkeypatch.setattr(venv, "_is_ours", lambda _: pytest.fail("its Python was run"))
    monkeypatch.setattr(venv, "_pip", lambda *_: None)
    made: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        made.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    venv.install("dev", lambda _: None, tmp_path)
    assert made[0][-3:] == ["venv", "--clear", str(tmp_path)]


def test_another_users_environment_is_told_before_pip_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After `sudo make demo`, `make` without root names the folder, not what pip makes of it."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(PermissionError) as told:
        venv.install("dev", lambda _: None, tmp_path)
    assert told.value.filename == str(tmp_path)


def test_tools_in_an_open_folder_are_fetched_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kubectl that anybody may have put there is gone before one is looked for."""
    folder = tmp_path / ".cluster" / "bin"
    folder.mkdir(parents=True)
    (folder / "kubectl").write_text("planted")
    (tmp_path / ".cluster").chmod(0o777)
    monkeypatch.setattr(venv, "ROOT", tmp_path)
    monkeypatch.setattr(prepare, "TOOLS_READY", folder / ".ready")

    def run(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        assert not folder.exists()
        return subprocess.CompletedProcess([], 0)

    monkeypatch.setattr(subprocess, "run", run)
    assert prepare._tools() == 0
    assert venv.is_closed(tmp_path / ".cluster")


def test_make_finds_its_drivers_where_python_is_told_to_look_nowhere() -> None:
    """PYTHONSAFEPATH of the caller does not reach the drivers."""
    made = subprocess.run(
        ["make", "--no-print-directory", "-f", "Makefile", "-f", "-", "told"],
        input="told: ; @$(PYTHON) -c 'import hack.prepare, os; print(repr(os.environ.get(\"PYTHONSAFEPATH\")))'",
        cwd=ROOT,
        env={**os.environ, "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (made.returncode, made.stdout.strip()) == (0, "''"), made.stderr


@pytest.mark.parametrize("script", sorted((ROOT / "hack").glob("*.sh")), ids=lambda script: script.name)
def test_each_script_closes_what_it_makes_and_finds_its_drivers(script: Path) -> None:
    """Scripts are also started by hand, without make."""
    head = script.read_text().partition("cd ")[0]
    assert "\numask go-w" in head
    assert "\nunset PYTHONSAFEPATH" in head
