"""An attempt in three stages, each a container of its own with no more credentials than its work needs.

``source`` has git's and runs nothing of the app. ``dependencies`` has those of registries, and runs the scripts of
the app's dependencies on a copy of the source; it sees nothing else of the others. ``publish`` has those of EAS and of
the stores.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from publishbuild.runner.failures import AttemptFailed, FailureClass
from publishbuild.runner.handover import hand_out, take_over
from publishbuild.runner.install import find_installation, install

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from structlog.typing import FilteringBoundLogger

    from publishbuild.runner.git import Clone
    from publishbuild.runner.settings import RunnerSettings

FOLDER = "dependencies"
"""In the work folder, what the stage of that name sees as its own whole work folder."""


def hand_out_app(app: Path, root: Path, settings: RunnerSettings, log: FilteringBoundLogger) -> None:
    """The end of ``source``: a copy for ``dependencies`` where the app needs any, else an empty folder."""
    folder = settings.workdir / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if find_installation(app, root, settings) is not None:
        log.info("the app's dependencies are to be installed")
        hand_out(root, folder / root.name)


def install_dependencies(
    root: Path, settings: RunnerSettings, environment: Mapping[str, str], log: FilteringBoundLogger
) -> None:
    """The whole of ``dependencies``, in the copy at ``root``, where there is one.

    Raises:
        AttemptFailed: as `install`.
    """
    if not root.is_dir():
        log.info("no dependencies need to be installed")
        return
    install((root / settings.source_path).resolve(), root.resolve(), settings, environment, log)


def take_over_dependencies(clone: Clone, settings: RunnerSettings, log: FilteringBoundLogger) -> None:
    """The beginning of ``publish``.

    Raises:
        AttemptFailed: what was installed cannot be moved; worth a retry.
    """
    copy = settings.workdir / FOLDER / clone.folder.name
    # Whoever wrote into the folder may have put a link in its place, to anywhere in this container.
    if copy.is_symlink() or not copy.is_dir():
        return
    try:
        taken = take_over(copy, clone)
    except OSError as error:
        message = f"the installed dependencies cannot be taken over: {error.strerror}: {error.filename}"
        raise AttemptFailed(FailureClass("InstallFailed", message, retryable=True)) from None
    log.info("took over the installed dependencies", folders=len(taken))
