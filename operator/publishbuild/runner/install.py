"""Installs the app's dependencies where ``eas-cli`` needs them to read the app's config.

It runs the app's own code for a dynamic config (``app.config.js``), for config plugins, and for the entitlements of
an iOS app without an ``ios`` folder. The build itself installs its own on EAS.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from publishbuild.runner import process
from publishbuild.runner.failures import AttemptFailed, FailureClass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from structlog.typing import FilteringBoundLogger

    from publishbuild.runner.settings import RunnerSettings

TIMEOUT_SECONDS = 1200

_COMMANDS = {
    "package-lock.json": ("npm", "ci", "--no-audit", "--no-fund"),
    "npm-shrinkwrap.json": ("npm", "ci", "--no-audit", "--no-fund"),
    "yarn.lock": ("yarn", "install", "--frozen-lockfile", "--non-interactive"),
    "pnpm-lock.yaml": ("pnpm", "install", "--frozen-lockfile"),
}


def install_command(app: Path, settings: RunnerSettings) -> tuple[str, ...] | None:
    """The command that installs the app's dependencies, or None where none is needed or no lockfile says which."""
    command = next((command for lock, command in _COMMANDS.items() if (app / lock).exists()), None)
    if command is None or settings.install == "never":
        return None
    return command if settings.install == "always" or _is_needed(app, settings) else None


def _is_needed(app: Path, settings: RunnerSettings) -> bool:
    if any((app / f"app.config.{ending}").exists() for ending in ("js", "ts", "mjs", "cjs")):
        return True
    if "ios" in settings.platforms and not (app / "ios").exists():
        return True
    try:
        config = json.loads((app / "app.json").read_text())
    except (OSError, ValueError):
        return False
    expo = config.get("expo", config) if isinstance(config, dict) else {}
    return bool(isinstance(expo, dict) and expo.get("plugins"))


def install(app: Path, settings: RunnerSettings, environment: Mapping[str, str], log: FilteringBoundLogger) -> None:
    """Install if needed.

    Raises:
        AttemptFailed: worth a retry, since a registry that is down is the most likely cause.
    """
    command = install_command(app, settings)
    if command is None:
        return
    log.info("installing the app's dependencies", command=" ".join(command))
    done = process.run(command, cwd=app, environment=environment, log=log, timeout=TIMEOUT_SECONDS)
    if done.exit_code != 0:
        message = f"{' '.join(command)} ended with exit code {done.exit_code}"
        raise AttemptFailed(FailureClass("InstallFailed", message, retryable=True))
