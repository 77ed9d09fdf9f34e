"""How git reaches the source: credentials reach it through files, never in a URL or argument."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from publishbuild.runner.failures import give_up

if TYPE_CHECKING:
    from collections.abc import Mapping

_SSH_OPTIONS = "-o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=30"

# Answers only for the host that the Secret is meant for: a redirect elsewhere must not carry the password away.
_ASKPASS = """#!/bin/sh
case "$1" in
  *"//$PUBLISHBUILD_ASKPASS_HOST'"*|*"@$PUBLISHBUILD_ASKPASS_HOST'"*) ;;
  *"//$PUBLISHBUILD_ASKPASS_HOST\\""*|*"@$PUBLISHBUILD_ASKPASS_HOST\\""*) ;; # git-lfs asks in other quotes
  *) exit 1 ;;
esac
case "$1" in
  Username*) cat "$PUBLISHBUILD_ASKPASS_DIR/username" ;;
  *) cat "$PUBLISHBUILD_ASKPASS_DIR/password" ;;
esac
"""


@dataclass(frozen=True)
class GitAccess:
    """The environment in which git may reach the source, without a terminal and without surprises."""

    environment: Mapping[str, str]

    @classmethod
    def prepare(cls, base: Mapping[str, str], url: str, secret_dir: Path | None, private_dir: Path) -> GitAccess:
        """Write what git needs from the source Secret into ``private_dir`` (0700) and point git at it."""
        environment = {
            **base,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": "https:http:ssh:file",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ADVICE": "0",
            # Files of Git LFS come by a step of their own, which can say what is missing.
            "GIT_LFS_SKIP_SMUDGE": "1",
        }
        config = {"credential.helper": "", "advice.detachedHead": "false"}
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
        environment["GIT_CONFIG_COUNT"] = str(len(config))
        for number, (key, value) in enumerate(config.items()):
            environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return cls(environment)


def _ssh_command(secret_dir: Path, private_dir: Path) -> str:
    known_hosts = secret_dir / "known_hosts"
    if not known_hosts.exists():
        raise give_up("SourceHostKeyUnknown", "the source Secret has an ssh-privatekey but no known_hosts key")
    key = private_dir / "ssh-privatekey"
    # ssh refuses a key that others can read, as a mounted Secret is, and one without a newline at its end.
    with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write((secret_dir / "ssh-privatekey").read_text().rstrip("\n") + "\n")
    options = f"-o IdentitiesOnly=yes {_SSH_OPTIONS}"
    return f"ssh -F /dev/null -i '{key}' {options} -o UserKnownHostsFile='{known_hosts}'"


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
