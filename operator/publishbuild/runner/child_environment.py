"""The environment of git, eas-cli and the package managers: the pod's, with a home of its own, and no calls home."""

from __future__ import annotations

from typing import TYPE_CHECKING

from publishbuild.runner.git_access import DISARMED, with_git_config
from publishbuild.runner.redact import sounds_secret

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Ours, not the app's: its scripts have no business with them. XDG: a home of its own means all of it.
_KEPT_BACK = ("PUBLISHBUILD_", "XDG_")


def child_environment(environment: Mapping[str, str], private: Path, workdir: Path) -> dict[str, str]:
    """The environment for child programs; makes the home folder in ``private``, since the pod's root is read-only.

    Whatever lies in ``workdir`` may be written by the app: no program is looked for there, and git starts none from it.
    """
    home = private / "home"
    home.mkdir(parents=True, mode=0o700)
    _no_update_check(home)
    children = {
        # Expo's usage statistics would tell a third party about every attempt.
        "DISABLE_EAS_ANALYTICS": "1",
        # It would ask before it brings a package manager, and nobody is there to answer.
        "COREPACK_ENABLE_DOWNLOAD_PROMPT": "0",
        # A command is started for every look at a build; where node can (22.1), it keeps what it has compiled.
        "NODE_COMPILE_CACHE": str(private / "node-cache"),
        "NPM_CONFIG_USERCONFIG": str(home / ".npmrc"),
        **{name: value for name, value in environment.items() if not name.startswith(_KEPT_BACK)},
        "HOME": str(home),
        "NO_COLOR": "1",
        "CI": "1",
    }
    if "PATH" in children:
        children["PATH"] = _outside(children["PATH"], workdir)
    return with_git_config(children, DISARMED)


def without_secrets(children: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """``children`` without the variables whose names sound secret, for install scripts beside the credentials.

    Those named in PUBLISHBUILD_INSTALL_ENV of ``environment`` (separated by commas) are granted all the same.
    """
    granted = {name.strip() for name in environment.get("PUBLISHBUILD_INSTALL_ENV", "").split(",")}
    return {name: value for name, value in children.items() if name in granted or not sounds_secret(name)}


def _outside(path: str, workdir: Path) -> str:
    """``path`` without folders that the app can write to: those below ``workdir``, and what depends on the folder."""
    inside = f"{workdir}/"
    kept = (folder for folder in path.split(":") if folder.startswith("/") and not f"{folder}/".startswith(inside))
    return ":".join(kept)


def _no_update_check(home: Path) -> None:
    """Make eas-cli believe that it has just looked for a newer version: the image pins the one that was tried.

    Without this file every attempt leaves a background process behind that asks the npm registry.
    """
    seen = home / ".cache" / "eas-cli" / "version"
    seen.parent.mkdir(parents=True)
    seen.write_text("{}")
