"""Where a build's source is, as the user means it by standing where they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from publishbuild.cli.output import refuse, remark
from publishbuild.cli.working_copy import WorkingCopyError, app_folder, app_name, origin_url, read_working_copy, url_of


def source_here(revision: str | None, *, allow_dirty: bool) -> tuple[dict[str, Any], str]:
    """The part of a manifest that this folder gives, and the app's name.

    With ``revision`` given nothing is asked of the commit that the user stands on.
    """
    folder = Path.cwd()
    try:
        if revision is not None:
            return _source(url=origin_url(folder), path=app_folder(folder)), app_name(folder)
        copy = read_working_copy(folder, allow_dirty=allow_dirty)
    except WorkingCopyError as error:
        refuse(str(error))
    if copy.left_out:
        remark(f"builds {copy.commit[:7]}, without {copy.left_out}")
    return _source(url=copy.url, revision=copy.commit, path=copy.path), copy.app


def as_url(url: str | None) -> str | None:
    """``git@host:path`` as a URL; others as they are."""
    return url_of(url) if url else None


def _source(**git: str) -> dict[str, Any]:
    return {"spec": {"source": {"git": git}}}
