"""Clones the source at exactly the wanted revision, with its submodules and large files."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

from publishbuild.runner import process
from publishbuild.runner.failures import AttemptFailed, classify_git, give_up

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from structlog.typing import FilteringBoundLogger

    from publishbuild.runner.git_access import GitAccess

TIMEOUT_SECONDS = 600
# So many commits of a branch are kept for a later stage, which has no password and may have to go back to one.
KEPT_COMMITS = 50
ALL_HISTORY = 2**31 - 1  # git's own word for "no longer shallow"
_SHA = re.compile(r"[0-9a-f]{4,64}")
_WHOLE = (40, 64)  # digits of a commit that is named in full


class Clone:
    """A working copy in an own folder. ``depth``: how many commits are fetched of a branch."""

    def __init__(self, folder: Path, access: GitAccess, log: FilteringBoundLogger, depth: int = 1) -> None:
        self.folder = folder
        self._access = access
        self._log = log
        self._depth = depth

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
        target = revision if self._has(revision) else self._fetch(revision)
        commit = self._git("rev-parse", "--verify", "--end-of-options", f"{target}^{{commit}}").strip()
        self._git("checkout", "--quiet", "--force", "--detach", commit)
        if (self.folder / ".gitmodules").exists():
            self._submodules()
        if self._git("ls-files", "-z", "--", ":(attr:filter=lfs)"):
            self._large_files()
        return commit

    def ignored(self, paths: Sequence[str]) -> set[str]:
        """Those of ``paths``, relative to the working copy, that its own .gitignore files name."""
        if not paths:
            return set()
        # "./": no name is git's magic. A name that git writes in quotes is none of ``paths``, and so no answer.
        said = self._try("check-ignore", "--", *(f"./{path}" for path in paths), quiet=True).stdout
        return {line.removeprefix("./") for line in said.splitlines()} & set(paths)

    def _has(self, revision: str) -> bool:
        """Whether the very commit is there already."""
        if not _is_whole(revision):
            return False
        return self._try("cat-file", "-e", f"{revision}^{{commit}}", quiet=True).exit_code == 0

    def _fetch(self, revision: str) -> str:
        """Fetch ``revision`` and return the name by which git knows it now."""
        depth = 1 if _is_whole(revision) else self._depth
        shallow = self._try("fetch", f"--depth={depth}", "--no-tags", "--quiet", "origin", revision)
        if shallow.exit_code == 0:
            return "FETCH_HEAD"
        # A short SHA, or a server that gives out no single commits: take all, then look.
        if not _SHA.fullmatch(revision):
            raise AttemptFailed(classify_git(shallow.output))
        everything = ("--tags", f"--depth={ALL_HISTORY}", "origin", "+refs/heads/*:refs/remotes/origin/*")
        self._git("fetch", "--quiet", *everything)
        return revision

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

    def _try(
        self, *arguments: str, environment: Mapping[str, str] | None = None, quiet: bool = False
    ) -> process.Finished:
        return process.run(
            ("git", *arguments),
            cwd=self.folder,
            environment=environment or self._access.environment,
            log=self._log,
            timeout=TIMEOUT_SECONDS,
            quiet=quiet,
            quiet_stdout=True,
        )


class CheckedOut(Clone):
    """A working copy that an earlier stage has fetched: no password is there to fetch it again."""

    def fetch(self, _url: str, _revision: str) -> str:
        """The full SHA of what is checked out.

        Raises:
            AttemptFailed: no earlier stage has left one.
        """
        if not (self.folder / ".git").is_dir():
            raise give_up("SourceNotFetched", f"there is no source in {self.folder}: the stage 'source' comes first")
        commit = self._git("rev-parse", "--verify", "HEAD^{commit}").strip()
        if self._git("ls-files", "-z", "--", ":(attr:filter=lfs)"):
            # For eas-cli, which clones this clone for its upload; the files are there.
            self._git("lfs", "install", "--skip-repo")
        return commit

    def checkout(self, revision: str) -> str:
        """Go back to the commit of an earlier attempt, from what was fetched, or from a host that asks for no password.

        Raises:
            AttemptFailed: it is out of reach.
        """
        try:
            return super().checkout(revision)
        except AttemptFailed as error:
            if error.failure.retryable:
                raise
            message = (
                f"an earlier attempt built commit {revision}, the branch has moved since, and that commit cannot be "
                f"had any more ({error.failure.message}): name the commit in source.git.revision of a new build"
            )
            raise give_up("SourceMoved", message) from None


def _is_whole(revision: str) -> bool:
    """Whether it is the full SHA of a commit, which never moves."""
    return len(revision) in _WHOLE and _SHA.fullmatch(revision) is not None
