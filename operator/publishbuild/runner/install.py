"""Installs the app's dependencies where ``eas-cli`` needs them to read the app's config.

It runs the app's own code for a dynamic config (``app.config.js``), for config plugins, and for the entitlements of
an iOS app without an ``ios`` folder. The build itself installs its own on EAS.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from publishbuild.runner import process
from publishbuild.runner.failures import AttemptFailed, FailureClass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from structlog.typing import FilteringBoundLogger

    from publishbuild.runner.settings import RunnerSettings

TIMEOUT_SECONDS = 1200

_NPM = ("npm", "ci", "--no-audit", "--no-fund")
_BUN = ("bun", "install", "--frozen-lockfile")
_YARN_CLASSIC = ("yarn", "install", "--frozen-lockfile", "--non-interactive")
_YARN_BERRY = ("yarn", "install", "--immutable")
_COMMANDS = {
    "package-lock.json": _NPM,
    "npm-shrinkwrap.json": _NPM,
    "yarn.lock": _YARN_CLASSIC,
    "pnpm-lock.yaml": ("pnpm", "install", "--frozen-lockfile"),
    "bun.lock": _BUN,
    "bun.lockb": _BUN,
}
# More digits are nobody's version, and `int` takes no more than some thousands.
_YARN_VERSION = re.compile(r"yarn@(\d{1,9})")
# Corepack brings these at the version that package.json names.
_BY_COREPACK = ("yarn", "pnpm")


@dataclass(frozen=True)
class Installation:
    """``command`` to run in ``folder``, where ``lock`` was found: the app's own or, in a workspace, one above it."""

    command: tuple[str, ...]
    folder: Path
    lock: str


def find_installation(app: Path, root: Path, settings: RunnerSettings) -> Installation | None:
    """How to install the app's dependencies, or None where none is needed or no lockfile up to ``root`` says how."""
    if settings.install == "never" or not (settings.install == "always" or _is_needed(app, settings)):
        return None
    folders = [folder for folder in (app, *app.parents) if folder.is_relative_to(root)]
    found = ((folder, lock) for folder in folders for lock in _COMMANDS if (folder / lock).exists())
    folder, lock = next(found, (app, ""))
    if not lock:
        return None
    command = _YARN_BERRY if lock == "yarn.lock" and _is_berry(folder) else _COMMANDS[lock]
    return Installation(command, folder, lock)


def _is_berry(folder: Path) -> bool:
    """Whether the folder is yarn's from version 2 on, whose options are other ones."""
    named = _YARN_VERSION.match(str(_read_json(folder / "package.json").get("packageManager", "")))
    return int(named[1]) > 1 if named else (folder / ".yarnrc.yml").exists()


def _is_needed(app: Path, settings: RunnerSettings) -> bool:
    if any((app / f"app.config.{ending}").exists() for ending in ("js", "ts", "mjs", "cjs")):
        return True
    if "ios" in settings.platforms and not (app / "ios").exists():
        return True
    config = _read_json(app / "app.json")
    expo = config.get("expo", config)
    return bool(isinstance(expo, dict) and expo.get("plugins"))


def _read_json(file: Path) -> dict[str, Any]:
    """The object in the file, or an empty one: a file that cannot be read is eas-cli's to judge."""
    try:
        content = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def install(
    app: Path, root: Path, settings: RunnerSettings, environment: Mapping[str, str], log: FilteringBoundLogger
) -> None:
    """Install if needed. ``root``: the source's own folder, where looking for a lockfile ends.

    Raises:
        AttemptFailed: not worth a retry where the program is missing; else worth one, since a registry that is down is
            the most likely cause.
    """
    found = find_installation(app, root, settings)
    if found is None:
        return
    command = _runnable(found, environment)
    log.info("installing the app's dependencies", command=" ".join(command))
    done = process.run(command, cwd=found.folder, environment=environment, log=log, timeout=TIMEOUT_SECONDS)
    if done.exit_code != 0:
        message = f"{' '.join(command)} ended with exit code {done.exit_code}"
        raise AttemptFailed(FailureClass("InstallFailed", message, retryable=True))


def _runnable(found: Installation, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The command as it can be started here."""
    program, path = found.command[0], environment.get("PATH")
    if shutil.which(program, path=path):
        return found.command
    if program in _BY_COREPACK and shutil.which("corepack", path=path):
        return ("corepack", *found.command)
    missing = f"neither {program} nor corepack" if program in _BY_COREPACK else f"no {program}"
    message = (
        f"{found.lock} is installed by {program}, and the image has {missing}: name one that has it in runner.image"
    )
    raise AttemptFailed(FailureClass("ProgramMissing", message, retryable=False))
