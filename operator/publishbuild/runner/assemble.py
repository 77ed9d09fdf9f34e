"""Puts an attempt, or a stage of one, together from the environment. All that it writes is in its own volumes."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from publishbuild.runner.attempt import Attempt
from publishbuild.runner.child_environment import child_environment, without_secrets
from publishbuild.runner.eas import EasCli
from publishbuild.runner.git import KEPT_COMMITS, CheckedOut, Clone
from publishbuild.runner.git_access import GitAccess
from publishbuild.runner.install import install
from publishbuild.runner.preflight import check_profiles
from publishbuild.runner.stages import hand_out_app, take_over_dependencies

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from structlog.typing import FilteringBoundLogger

    from publishbuild.runner.result import RunResult
    from publishbuild.runner.settings import RunnerSettings


@dataclass(frozen=True)
class Parts:
    """What every stage is made of."""

    settings: RunnerSettings
    environment: Mapping[str, str]
    report: Callable[[RunResult], None]
    log: FilteringBoundLogger

    @property
    def source(self) -> Path:
        """Where the source is checked out."""
        return self.settings.workdir / "source"

    def children(self) -> dict[str, str]:
        """The environment of child programs, with a new home."""
        private = self.settings.private
        shutil.rmtree(private, ignore_errors=True)
        return child_environment(self.environment, private, self.settings.workdir)

    def access(self, children: Mapping[str, str], *, secret: bool = True) -> GitAccess:
        """Git's, with or without the source Secret."""
        settings = self.settings
        folder = settings.source_secret_dir if secret else None
        return GitAccess.prepare(children, settings.source_url, folder, settings.private / "git")


def make_attempt(parts: Parts) -> Attempt:
    """A whole attempt in one container, with the real git, package managers and ``eas-cli``.

    Raises:
        AttemptFailed: the source Secret lacks a key.
    """
    children = parts.children()
    installer = without_secrets(children, parts.environment)
    return _attempt(
        parts,
        Clone(parts.source, parts.access(children), parts.log),
        children,
        lambda app: install(app, parts.source.resolve(), parts.settings, installer, parts.log),
    )


def make_source_stage(parts: Parts) -> Attempt:
    """An attempt that can fetch its source and get its app ready for the next stage, and no more.

    Raises:
        AttemptFailed: the source Secret lacks a key.
    """
    children = parts.children()
    return _attempt(
        parts,
        Clone(parts.source, parts.access(children), parts.log, KEPT_COMMITS),
        children,
        lambda app: hand_out_app(app, parts.source.resolve(), parts.settings, parts.log),
    )


def make_publish_stage(parts: Parts) -> Attempt:
    """An attempt whose source and dependencies earlier stages have left."""
    children = parts.children()
    clone = CheckedOut(parts.source, parts.access(children, secret=False), parts.log)
    return _attempt(parts, clone, children, lambda _app: take_over_dependencies(clone, parts.settings, parts.log))


def _attempt(parts: Parts, clone: Clone, children: Mapping[str, str], prepare_app: Callable[[Path], None]) -> Attempt:
    return Attempt(
        settings=parts.settings,
        clone=clone,
        open_app=lambda app: EasCli(app, children, parts.log),
        check_app=lambda app: check_profiles(app, parts.settings),
        prepare_app=prepare_app,
        report=parts.report,
        sleep=time.sleep,
        log=parts.log,
    )


def source_secrets(environment: Mapping[str, str]) -> set[str]:
    """What the mounted source Secret holds; a user name alone is no secret."""
    folder = Path(environment.get("PUBLISHBUILD_SOURCE_SECRET_DIR") or os.devnull)
    found = set()
    for name in ("password", "ssh-privatekey"):
        try:
            found.add((folder / name).read_text(errors="replace"))
        except OSError:
            continue
    return found
