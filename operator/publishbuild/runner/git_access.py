"""How git reaches the source: credentials reach it through files, never in a URL or argument."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from publishbuild.runner.failures import give_up

if TYPE_CHECKING:
    from collections.abc import Mapping

# No file says how: a home in the work folder is the app's to write.
_SSH_OPTIONS = "-F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=30"

# A submodule is never a folder or a program of the pod's: what lies there is not the source's to take.
_SUBMODULES = "https:ssh:http"

# Answers for https at the source's own host and port alone. Redirects, submodules and Git LFS ask here too, and a host
# may hold whatever its URL encodes, so the whole question is compared: git's, or git-lfs's, which has other quotes.
_ASKPASS = r"""#!/bin/sh
home="https://$PUBLISHBUILD_ASKPASS_HOST"
case "$1" in
  "Username for '$home': " | "Username for \"$home\"") exec cat "$PUBLISHBUILD_ASKPASS_DIR/username" ;;
  "Password for '$home': " | "Password for \"$home\"") exec cat "$PUBLISHBUILD_ASKPASS_DIR/password" ;;
  "Password for 'https://"*"@$PUBLISHBUILD_ASKPASS_HOST': ") user=${1#"Password for 'https://"} ;;
  "Password for \"https://"*"@$PUBLISHBUILD_ASKPASS_HOST\"") user=${1#'Password for "https://'} ;;
  *) exit 1 ;;
esac
case "${user%@*}" in
  *[]@/:?#\\\'\"[:space:]]*) exit 1 ;;
esac
exec cat "$PUBLISHBUILD_ASKPASS_DIR/password"
"""

# Set in the environment, which overrides every file: nothing in a working copy's own folder starts a program.
DISARMED = {"core.hooksPath": os.devnull, "core.fsmonitor": "false"}
_COUNT = re.compile(r"[0-9]{1,3}")
_CONFIG = {
    **DISARMED,
    "credential.helper": "",
    "advice.detachedHead": "false",
    "http.followRedirects": "initial",
    # They come by a step of their own, with protocols of their own.
    "fetch.recurseSubmodules": "false",
    "submodule.recurse": "false",
}


@dataclass(frozen=True)
class GitAccess:
    """The environment in which git may reach the source, without a terminal and without surprises."""

    environment: Mapping[str, str]

    @property
    def for_submodules(self) -> Mapping[str, str]:
        """The same for the source's submodules, which come from hosts alone."""
        return {**self.environment, "GIT_ALLOW_PROTOCOL": _SUBMODULES}

    @classmethod
    def prepare(cls, base: Mapping[str, str], url: str, secret_dir: Path | None, private_dir: Path) -> GitAccess:
        """Write what git needs from the source Secret into ``private_dir`` (0700) and point git at it."""
        environment = {
            **base,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": _protocols(url),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ADVICE": "0",
            # Files of Git LFS come by a step of their own, which can say what is missing.
            "GIT_LFS_SKIP_SMUDGE": "1",
        }
        config = dict(_CONFIG)
        if url.startswith("file://"):
            # A repository mounted into the pod belongs to somebody else; reading it is what was asked for.
            config["safe.directory"] = "*"
        if secret_dir is not None:
            private_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            if (secret_dir / "ssh-privatekey").exists():
                environment["GIT_SSH_COMMAND"] = _ssh_command(secret_dir, private_dir)
            else:
                environment |= _askpass(url, secret_dir, private_dir)
        environment.setdefault("GIT_SSH_COMMAND", f"ssh {_SSH_OPTIONS}")
        return cls(with_git_config(environment, config))


def with_git_config(environment: Mapping[str, str], config: Mapping[str, str]) -> dict[str, str]:
    """``environment`` with git's settings of ``config`` in it, which win over those that it had before."""
    count = environment.get("GIT_CONFIG_COUNT", "")
    first = int(count) if _COUNT.fullmatch(count) else 0
    made = {**environment, "GIT_CONFIG_COUNT": str(first + len(config))}
    for number, (key, value) in enumerate(config.items(), start=first):
        made |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return made


def _protocols(url: str) -> str:
    """The source's own protocol alone: a redirect to a weaker one is not followed."""
    scheme = urlsplit(url).scheme if "://" in url else "ssh"
    return "http:https" if scheme == "http" else scheme


def _ssh_command(secret_dir: Path, private_dir: Path) -> str:
    known_hosts = secret_dir / "known_hosts"
    if not known_hosts.exists():
        raise give_up("SourceHostKeyUnknown", "the source Secret has an ssh-privatekey but no known_hosts key")
    key = private_dir / "ssh-privatekey"
    # ssh refuses a key that others can read, as a mounted Secret is, and one without a newline at its end.
    with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write((secret_dir / "ssh-privatekey").read_text().rstrip("\n") + "\n")
    options = f"-o IdentitiesOnly=yes {_SSH_OPTIONS}"
    return f"ssh -i '{key}' {options} -o UserKnownHostsFile='{known_hosts}'"


def _askpass(url: str, secret_dir: Path, private_dir: Path) -> dict[str, str]:
    for name in ("username", "password"):
        if not (secret_dir / name).exists():
            raise give_up("SourceSecretIncomplete", f"the source Secret has no key {name!r} (nor an ssh-privatekey)")
    script = private_dir / "askpass"
    script.write_text(_ASKPASS)
    script.chmod(0o700)
    host = urlsplit(url).netloc
    return {
        "GIT_ASKPASS": str(script),
        "PUBLISHBUILD_ASKPASS_DIR": str(secret_dir),
        "PUBLISHBUILD_ASKPASS_HOST": host,
    }
