"""The project's own Python environment in ``.venv/``, with the packages of one extra of pyproject.toml."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
CONTAINED = {"demo": ("demo", "dev"), "dev": ("dev",)}
"""Extra -> those that bring all of it."""
LOG = "packages.log"
_SHOWN_LINES = 12
_REPORT_SECONDS = 10.0

Say = Callable[[str], None]


class VenvError(Exception):
    """The environment could not be made; the text ends with the reason of venv or pip."""


def is_ready(extra: str, venv: Path = VENV) -> bool:
    """Whether the extra's packages are installed, as the tree names them now, for this Python."""
    return is_closed(venv) and any(
        _stamp(venv, name).is_file() and _stamp(venv, name).read_text() == key() for name in CONTAINED[extra]
    )


def is_closed(folder: Path) -> bool:
    """Whether nobody but owner and group may put a program into the folder, or in place of its ``bin``."""
    return not any(place.exists() and place.stat().st_mode & stat.S_IWOTH for place in (folder, folder / "bin"))


def key(root: Path = ROOT) -> str:
    """What decides which packages are installed: what the project asks for, the pins, and the Python."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    digest = hashlib.sha256(json.dumps([project["project"], project["build-system"], sys.version]).encode())
    digest.update((root / "constraints.txt").read_bytes())
    return digest.hexdigest()


def install(extra: str, say: Say, venv: Path = VENV) -> None:
    """Make the environment if it is not there, or if it is of another Python, and install the extra.

    Raises:
        VenvError: it could not be made, or pip could not install a package.
        PermissionError: it is another user's, as after `sudo make demo`.
    """
    if venv.exists() and not os.access(venv, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(venv))
    python = venv / "bin" / "python"
    if not is_closed(venv) or not _is_ours(python):
        say(f"making {venv.name}/ for Python {sys.version.split()[0]}")
        done = subprocess.run(
            [sys.executable, "-m", "venv", "--clear", str(venv)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise VenvError(f"python -m venv failed:\n{_last(done.stdout + done.stderr)}")
    _pip(python, extra, venv / LOG, say)
    _stamp(venv, extra).write_text(key())


def _is_ours(python: Path) -> bool:
    """Whether the environment works, with pip, and belongs to the Python that runs now."""
    asked = [str(python), "-c", "import pip, sys; print(sys.version)"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
    except OSError:
        return False
    return done.returncode == 0 and done.stdout.strip() == sys.version.strip()


def _pip(python: Path, extra: str, log: Path, say: Say) -> None:
    say(f"installing the Python packages of the extra [{extra}], once")
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar=off"]
    command += ["--retries=2", "--constraint=constraints.txt", "--editable", f".[{extra}]"]
    collected, told, lines = 0, time.monotonic(), list[str]()
    with (
        log.open("w", encoding="utf-8") as file,
        subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process,
    ):
        for line in process.stdout or ():
            file.write(line)
            lines.append(line.rstrip())
            collected += line.startswith("Collecting ")
            if collected and time.monotonic() - told > _REPORT_SECONDS:
                told = time.monotonic()
                say(f"{collected} Python packages collected")
    if process.returncode:
        raise VenvError(f"pip could not install the extra [{extra}] (its log: {log}):\n{_reason(lines)}")


def _reason(lines: list[str]) -> str:
    """The end of what pip said, from its first complaint on."""
    complaints = [number for number, line in enumerate(lines) if line.startswith(("ERROR", "error"))]
    start = max(complaints[0] if complaints else 0, len(lines) - _SHOWN_LINES)
    return "\n".join(f"  {line}" for line in lines[start:] if line.strip())


def _last(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.strip().splitlines()[-_SHOWN_LINES:])


def _stamp(venv: Path, extra: str) -> Path:
    return venv / f".ready-{extra}"
