"""Clones the source at exactly the wanted revision. Credentials reach git through files, never in a URL or argument."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from publishbuild.runner import process
from publishbuild.runner.failures import AttemptFailed, FailureClass, classify_git

if TYPE_CHECKING:
    from collections.abc import Mapping

    from structlog.typing import FilteringBoundLogger

TIMEOUT_SECONDS = 600
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


def give_up(reason: str, message: str) -> AttemptFailed:
    """A failure that no retry helps."""
    return AttemptFailed(FailureClass(reason, message, retryable=False))


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


class Clone:
    """A working copy in an own folder."""

    def __init__(self, folder: Path, access: GitAccess, log: FilteringBoundLogger) -> None:
        self.folder = folder
        self._access = access
        self._log = log

    def fetch(self, url: str, revision: str) -> str:
        """Check out ``revision`` (branch, tag, SHA, HEAD) into an empty folder and return its full SHA.

        Raises:
            AttemptFailed: with the reason in git's own words.
        """
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self._git("init", "--quiet")
        self._git("remote", "add", "origin", url)
        return self.checkout(revision)

    def checkout(self, revision: str) -> str:
        """Put the working copy at ``revision`` and return its full SHA."""
        shallow = self._try("fetch", "--depth=1", "--no-tags", "--quiet", "origin", revision)
        target = "FETCH_HEAD"
        if shallow.exit_code != 0:
            # A short SHA, or a server that gives out no single commits: take all, then look.
            if not re.fullmatch(r"[0-9a-f]{4,64}", revision):
                raise AttemptFailed(classify_git(shallow.output))
            self._git("fetch", "--quiet", "--tags", "origin", "+refs/heads/*:refs/remotes/origin/*")
            target = revision
        commit = self._git("rev-parse", "--verify", "--end-of-options", f"{target}^{{commit}}").strip()
        self._git("checkout", "--quiet", "--force", "--detach", commit)
        if (self.folder / ".gitmodules").exists():
            self._submodules()
        if self._git("ls-files", "-z", "--", ":(attr:filter=lfs)"):
            self._large_files()
        return commit

    def _submodules(self) -> None:
        command = ("submodule", "update", "--init", "--recursive", "--quiet")
        # A server may give out no single commits.
        if self._try(*command, "--depth=1").exit_code != 0:
            self._git(*command)

    def _large_files(self) -> None:
        """Replace the pointers of Git LFS by the files: EAS would build with the pointers."""
        if self._try("lfs", "version").exit_code != 0:
            message = (
                "the source keeps files in Git LFS, and the image has no git-lfs: name one that has it in runner.image"
            )
            raise give_up("ProgramMissing", message)
        # For eas-cli as well, which clones this clone for its upload.
        self._git("lfs", "install", "--skip-repo")
        self._git("lfs", "pull")

    def _git(self, *arguments: str) -> str:
        done = self._try(*arguments)
        if done.exit_code != 0:
            raise AttemptFailed(classify_git(done.output))
        return done.stdout

    def _try(self, *arguments: str) -> process.Finished:
        return process.run(
            ("git", *arguments),
            cwd=self.folder,
            environment=self._access.environment,
            log=self._log,
            timeout=TIMEOUT_SECONDS,
            quiet_stdout=True,
        )
