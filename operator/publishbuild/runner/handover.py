"""What the stages hand each other: a copy of the source to install in, and what was installed.

The scripts of dependencies may have written anything into their copy. Of it `take_over` takes ``node_modules`` and
what the source's own .gitignore names, such as what a script has compiled. All else, above all git's folder and the
files that tools read their settings from, is as the commit has it.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from publishbuild.runner.git import Clone

MODULES = "node_modules"
# More names than fit into this are no app's, and git is asked for all of them at once.
MOST_ASKED_CHARACTERS = 100_000


def hand_out(source: Path, copy: Path) -> None:
    """Copy the source, git's folder included, to where scripts of the app may write."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(source, copy, symlinks=True)


def take_over(copy: Path, clone: Clone) -> list[str]:
    """Move what was installed from ``copy`` into the clone; gives the paths, relative to it.

    Raises:
        OSError: it cannot be moved.
    """
    modules: list[str] = []
    others: list[str] = []
    room = MOST_ASKED_CHARACTERS
    for path, in_submodule in _fresh(copy, clone.folder):
        if Path(path).name == MODULES and _is_folder(copy / path):
            modules.append(path)
        # A file or folder whose name begins with a dot is a tool's settings.
        elif not in_submodule and not Path(path).name.startswith(".") and room > len(path):
            others.append(path)
            room -= len(path)
    taken = sorted([*modules, *_ignored(copy, clone, others)])
    for path in taken:
        _move(copy / path, clone.folder / path)
    return taken


def _fresh(copy: Path, source: Path, below: str = "", in_submodule: bool = False) -> Iterator[tuple[str, bool]]:
    """The topmost paths of ``copy`` that ``source`` lacks, and whether they lie in a submodule. Follows no link."""
    with os.scandir(copy / below) as entries:
        names = sorted(entry.name for entry in entries)
    for name in names:
        path = f"{below}/{name}" if below else name
        if name == ".git":
            continue
        if name == MODULES or not os.path.lexists(source / path):
            yield path, in_submodule
        elif _is_folder(copy / path) and _is_folder(source / path):
            yield from _fresh(copy, source, path, in_submodule or os.path.lexists(source / path / ".git"))


def _ignored(copy: Path, clone: Clone, paths: list[str]) -> set[str]:
    """Those of ``paths`` that git ignores. A pattern may ask for a folder, so each folder has a stand-in meanwhile."""
    stand_ins = [clone.folder / path for path in paths if _is_folder(copy / path)]
    for folder in stand_ins:
        folder.mkdir()
    try:
        return clone.ignored(paths)
    finally:
        for folder in stand_ins:
            folder.rmdir()


def _move(there: Path, here: Path) -> None:
    if os.path.lexists(here):
        shutil.rmtree(here) if _is_folder(here) else here.unlink()
    if _is_folder(there):
        there.chmod(0o755)  # a folder that cannot be written to cannot be moved
    there.rename(here)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
