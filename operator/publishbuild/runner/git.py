"""Clones the source at exactly the wanted revision, with its submodules and large files."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

from publishbuild.runner import process
from publishbuild.runner.failures import AttemptFailed, classify_git, give_up

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from structlog.typing import FilteringBoundLogger

    from publishbuild.runner.git_access import GitAccess

TIMEOUT_SECONDS = 600
ALL_HISTORY = 2**31 - 1  # git's own word for "no longer shallow"
_SHA = re.compile(r"[0-9a-f]{4,64}")


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
            if not _SHA.fullmatch(revision):
                raise AttemptFailed(classify_git(shallow.output))
            everything = ("--tags", f"--depth={ALL_HISTORY}", "origin", "+refs/heads/*:refs/remotes/origin/*")
            self._git("fetch", "--quiet", *everything)
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
        environment = self._access.for_submodules
        if self._try(*command, "--depth=1", environment=environment).exit_code != 0:
            # A server may give out no single commits; what is cloned shallow stays so, hence from the start.
            self._git("submodule", "deinit", "--all", "--force", "--quiet")
            shutil.rmtree(self.folder / ".git" / "modules", ignore_errors=True)
            self._git(*command, environment=environment)

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

    def _git(self, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
        done = self._try(*arguments, environment=environment)
        if done.exit_code != 0:
            raise AttemptFailed(classify_git(done.output))
        return done.stdout

    def _try(self, *arguments: str, environment: Mapping[str, str] | None = None) -> process.Finished:
        return process.run(
            ("git", *arguments),
            cwd=self.folder,
            environment=environment or self._access.environment,
            log=self._log,
            timeout=TIMEOUT_SECONDS,
            quiet_stdout=True,
        )
