"""Puts one attempt together from the environment. It writes below the work folder alone: the rest is read-only."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from publishbuild.runner.attempt import Attempt
from publishbuild.runner.child_environment import child_environment
from publishbuild.runner.eas import EasCli
from publishbuild.runner.git import Clone
from publishbuild.runner.git_access import GitAccess
from publishbuild.runner.install import install
from publishbuild.runner.preflight import check_profiles

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from structlog.typing import FilteringBoundLogger

    from publishbuild.runner.result import RunResult
    from publishbuild.runner.settings import RunnerSettings


def make_attempt(
    settings: RunnerSettings,
    environment: Mapping[str, str],
    report: Callable[[RunResult], None],
    log: FilteringBoundLogger,
) -> Attempt:
    """An attempt with the real git, package managers and ``eas-cli``.

    Raises:
        AttemptFailed: the source Secret lacks a key.
    """
    private = settings.workdir / ".publishbuild"
    shutil.rmtree(private, ignore_errors=True)
    children = child_environment(environment, private)
    access = GitAccess.prepare(children, settings.source_url, settings.source_secret_dir, private / "git")
    source = settings.workdir / "source"
    return Attempt(
        settings=settings,
        clone=Clone(source, access, log),
        open_app=lambda app: EasCli(app, children, log),
        check_app=lambda app: check_profiles(app, settings),
        prepare_app=lambda app: install(app, source.resolve(), settings, children, log),
        report=report,
        sleep=time.sleep,
        log=log,
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
