"""Of what install scripts leave, modules and ignored files are taken, whatever else they have made of their copy."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from publishbuild.runner.git import CheckedOut
from publishbuild.runner.git_access import GitAccess
from publishbuild.runner.handover import MOST_ASKED_CHARACTERS, hand_out, take_over
from publishbuild.runner.logs import LogTail, make_log
from publishbuild.runner.redact import Redactor
from publishbuild.runner.settings import read_settings
from publishbuild.runner.stages import take_over_dependencies


def write(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def clone(tmp_path: Path) -> CheckedOut:
    """A source with a folder, a submodule and a .gitignore."""
    folder = tmp_path / "source"
    write(folder / ".gitignore", "node_modules/\nbuild/\n*.log\n.env\n.tool/\nodd name/\n")
    write(folder / "src" / "file", "committed")
    write(folder / "sub" / "file", "committed")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    subprocess.run(("git", "init", "-q"), cwd=folder, env=environment, check=True)
    write(folder / "sub" / ".git", "gitdir: ../.git/modules/sub")
    access = GitAccess.prepare(environment, folder.as_uri(), None, tmp_path / "private")
    return CheckedOut(folder, access, make_log(Redactor(set()), LogTail()))


@pytest.fixture
def copy(clone: CheckedOut, tmp_path: Path) -> Path:
    made = tmp_path / "dependencies" / "source"
    hand_out(clone.folder, made)
    return made


def test_the_copy_is_whole_and_no_link_to_the_source(clone: CheckedOut, copy: Path) -> None:
    """Scripts may ask git about their copy, and what they write there is not in the source."""
    assert (copy / ".git").is_dir()
    (copy / "src" / "file").write_text("changed")
    take_over(copy, clone)
    assert (clone.folder / "src" / "file").read_text() == "committed"


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        ("node_modules/a/index.js", "node_modules"),
        ("src/node_modules/a/index.js", "src/node_modules"),
        ("sub/node_modules/a/index.js", "sub/node_modules"),
        ("build/out.js", "build"),
        ("src/build/out.js", "src/build"),
        ("src/one.log", "src/one.log"),
        ("odd name/x", "odd name"),
        ("src/new.js", None),
        ("new/x.js", None),
        (".env", None),
        (".tool/x", None),
        (".npmrc", None),
        ("src/.git/config", None),
        ("sub/build/out.js", None),
        (":(top)build/x", None),
        ("-build.log", "-build.log"),
    ],
)
def test_modules_and_ignored_names_are_taken(clone: CheckedOut, copy: Path, path: str, taken: str | None) -> None:
    """By the source's own .gitignore; a name that begins with a dot, and what lies in a submodule, stay behind."""
    write(copy / path, "new")
    write(copy / ".gitignore", "*\n")
    write(copy / "src" / ".gitignore", "*\n")
    assert take_over(copy, clone) == ([taken] if taken else [])
    assert (clone.folder / path).exists() is (taken is not None)


def test_no_link_is_followed(clone: CheckedOut, copy: Path, tmp_path: Path) -> None:
    """Neither a link for the modules nor one for a folder of the source leads the runner elsewhere."""
    write(tmp_path / "elsewhere" / "node_modules" / "a")
    (copy / "node_modules").symlink_to(tmp_path / "elsewhere")
    (copy / "src" / "file").unlink()
    (copy / "src").rmdir()
    (copy / "src").symlink_to(tmp_path / "elsewhere")
    assert take_over(copy, clone) == []
    assert (tmp_path / "elsewhere" / "node_modules" / "a").exists()


def test_a_link_in_place_of_the_copy_is_no_copy(clone: CheckedOut, copy: Path, tmp_path: Path) -> None:
    """It could lead to any folder of the runner's container, and what lies there would be moved."""
    write(tmp_path / "elsewhere" / "node_modules" / "a")
    shutil.rmtree(copy)
    copy.symlink_to(tmp_path / "elsewhere")
    names = dict.fromkeys(("UID", "NAME", "NAMESPACE"), "x") | {"SOURCE_URL": "file:///x", "WORKDIR": str(tmp_path)}
    settings = read_settings({f"PUBLISHBUILD_{name}": value for name, value in names.items()})
    take_over_dependencies(clone, settings, make_log(Redactor(set()), LogTail()))
    assert (tmp_path / "elsewhere" / "node_modules" / "a").exists()
    assert not (clone.folder / "node_modules").exists()


def test_modules_that_nobody_may_write_to_are_moved(clone: CheckedOut, copy: Path) -> None:
    """A package manager may take the right to write from what it has installed."""
    write(copy / "node_modules" / "a")
    (copy / "node_modules").chmod(0o555)
    assert take_over(copy, clone) == ["node_modules"]


def test_committed_modules_are_replaced_by_the_installed_ones(clone: CheckedOut, copy: Path) -> None:
    """The install began with the committed ones, so nothing of them is lost."""
    write(clone.folder / "node_modules" / "a", "old")
    write(copy / "node_modules" / "a", "new")
    take_over(copy, clone)
    assert (clone.folder / "node_modules" / "a").read_text() == "new"


def test_a_flood_of_names_costs_the_names_and_not_the_modules(clone: CheckedOut, copy: Path) -> None:
    """More than an app has are not asked for; the modules are there."""
    write(copy / "node_modules" / "a")
    for number in range(MOST_ASKED_CHARACTERS // 200 + 10):
        write(copy / f"{number:0200}.log")
    taken = take_over(copy, clone)
    assert "node_modules" in taken
    assert sum(map(len, taken)) < MOST_ASKED_CHARACTERS + len("node_modules")


def test_it_may_be_done_twice(clone: CheckedOut, copy: Path) -> None:
    """An attempt that goes back to another commit takes over again: what was taken is not lost."""
    write(copy / "node_modules" / "a")
    assert take_over(copy, clone) == ["node_modules"]
    assert take_over(copy, clone) == []
    assert (clone.folder / "node_modules" / "a").exists()
