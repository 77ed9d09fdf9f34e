"""How each command begins, and how it tells what the system refused."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from hack.cluster import places
from hack.prepare import surroundings
from hack.prepare.surroundings import in_words, settle

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize(("given", "wanted"), [(0o000, 0o022), (0o002, 0o022), (0o022, 0o022), (0o077, 0o077)])
def test_nobody_else_may_write_what_is_made(given: int, wanted: int) -> None:
    """An open umask is closed for writing, a stricter one stays."""
    os.umask(given)
    settle()
    assert os.umask(0o022) == wanted


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize(("given", "wanted"), [("rel", None), ("", None), ("/abs", "/abs")])
def test_a_relative_cache_counts_as_unset(monkeypatch: pytest.MonkeyPatch, given: str, wanted: str | None) -> None:
    """What is started from here does not follow it into the tree either."""
    monkeypatch.setenv("XDG_CACHE_HOME", given)
    settle()
    assert os.environ.get("XDG_CACHE_HOME") == wanted


def test_clusters_and_images_have_one_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is named in one place, and a relative setting makes nothing in the tree."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "rel")
    monkeypatch.chdir(tmp_path)
    assert places.cache() == surroundings.cache_folder() == tmp_path / ".cache" / "publishbuild"
    assert not (tmp_path / "rel").exists()


def test_a_full_disk_is_told_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error of a write names no file by itself; nothing half-written stays."""

    class Full:
        def __init__(self, descriptor: int, *_: object, **__: object) -> None:
            self._descriptor = descriptor

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            os.close(self._descriptor)

        def write(self, _: str) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fdopen", Full)
    with pytest.raises(OSError, match="No space left") as told:
        places.write_private(tmp_path / "kubeconfig", "x")
    assert in_words(told.value) == f"{tmp_path / 'kubeconfig'}: No space left on device"
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_user_is_told_with_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder that bars the way is named, whose it is, and the command that helps."""
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 54321)
    path = tmp_path / "bin" / ".ready"
    owner = surroundings.user_name(tmp_path.stat().st_uid)
    told = in_words(PermissionError(errno.EACCES, "Permission denied", str(path)))
    assert told.startswith(f"{path}: Permission denied; {tmp_path} belongs to {owner}: run this as {owner}, too, or, ")
    assert told.endswith(f"sudo chown -R {os.getuid() + 54321} {tmp_path}")
    assert "\n" not in told


@pytest.mark.parametrize("module", ["hack.cluster", "hack.prepare", "hack.images"])
def test_what_the_system_refuses_ends_in_one_line(tmp_path_factory: pytest.TempPathFactory, module: str) -> None:
    """A cache that cannot be made is no traceback, in whichever command."""
    tmp_path = tmp_path_factory.mktemp("t")  # a short one: sockets lie below a state folder
    (tmp_path / "file").write_text("")
    arguments = {
        "hack.cluster": ["down", "--state", str(tmp_path / "s")],
        "hack.prepare": ["setup"],
        "hack.images": ["build"],
    }
    program = "\n".join(
        (
            "import sys, runpy",
            f"sys.argv = {json.dumps([module, *arguments[module]])}",
            "import hack.prepare.venv as venv, hack.prepare.__main__ as prepare",
            "def refused(*_): raise PermissionError(13, 'Permission denied', '/proc/1/mem')",
            "venv.is_ready = refused",
            f"runpy.run_module({module!r}, run_name='__main__', alter_sys=False)",
        )
    )
    made = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=ROOT,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "file")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 1
    assert made.stderr.count("\n") == 1, made.stderr
    assert "Not a directory" in made.stderr or "Permission denied" in made.stderr
