"""What the working copy of git that the user stands in says of the build that they mean."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

_SHOWN_FILES = 3
_SECONDS = 30.0
_SCP_FORM = re.compile(r"^(?:(?P<user>[^@/:]+)@)?(?P<host>[^/:@]+):(?!//)(?P<path>.+)$")
_CREDENTIALS = re.compile(r"^(https?://)[^/@]*@")


class WorkingCopyError(Exception):
    """It cannot be told what to build; the text is one line that says what to do."""


@dataclass(frozen=True)
class WorkingCopy:
    """A repository's URL, the commit that can be built from it, the app's folder in it, and the app's name."""

    url: str
    commit: str
    path: str
    app: str
    left_out: str = ""
    """What lies in the working copy and will not be built, "" for nothing."""


def read_working_copy(folder: Path, *, allow_dirty: bool = False) -> WorkingCopy:
    """What ``folder`` says.

    Raises:
        WorkingCopyError: where it is no working copy, has no origin, or holds what the origin does not have, unless
            ``allow_dirty``: then the newest commit that the origin has is taken.
    """
    root = Path(_git(folder, "rev-parse", "--show-toplevel", refusal="no git working copy here: name --git-url"))
    url = origin_url(folder)
    head = _git(folder, "rev-parse", "HEAD", refusal="nothing is committed yet: commit and push first")
    changed, unpushed = _changed_files(root), _unpushed(folder, head)
    if changed and not allow_dirty:
        says = f"{_several(changed)} not committed: commit and push, or --allow-dirty to build {head[:7]} without"
        raise WorkingCopyError(says)
    if unpushed and not allow_dirty:
        says = f"{head[:7]} is not on origin: git push, or --allow-dirty to build the newest commit that is"
        raise WorkingCopyError(says)
    commit = _git(folder, "rev-parse", f"HEAD~{unpushed}", refusal="origin has none of these commits: git push")
    left_out = [f"{unpushed} unpushed commit{'s' * (unpushed > 1)}"] if unpushed else []
    left_out += [f"what is not committed ({len(changed)} file{'s' * (len(changed) > 1)})"] if changed else []
    return WorkingCopy(url, commit, app_folder(folder), app_name(folder), " and ".join(left_out))


def origin_url(folder: Path) -> str:
    """The URL of the remote ``origin``, as a build takes it."""
    url = _git(folder, "remote", "get-url", "origin", refusal="the working copy has no remote origin: name --git-url")
    # CI leaves a token there, which is neither for manifests nor good for long.
    return _CREDENTIALS.sub(r"\1", url_of(url))


def url_of(address: str) -> str:
    """``git@host:path`` and ``/path`` as URLs; URLs as they are."""
    if address.startswith("/"):
        return f"file://{address}"
    scp = _SCP_FORM.match(address)
    if scp is None:
        return address
    user = f"{scp['user']}@" if scp["user"] else ""
    return f"ssh://{user}{scp['host']}/{scp['path'].lstrip('/')}"


def app_folder(folder: Path) -> str:
    """``folder`` relative to the repository's root."""
    refusal = "no git working copy here: name --git-url"
    return _git(folder, "rev-parse", "--show-prefix", refusal=refusal).rstrip("/") or "."


def app_name(folder: Path) -> str:
    """The app's slug or name in app.json, else its folder's name."""
    try:
        config = json.loads((folder / "app.json").read_text())
        expo = config.get("expo") or config
        name = expo.get("slug") or expo.get("name")
    except (OSError, ValueError, AttributeError):
        name = None
    return str(name or folder.resolve().name)


def _changed_files(root: Path) -> list[str]:
    return [line[3:] for line in _git(root, "status", "--porcelain").splitlines()]


def _unpushed(folder: Path, head: str) -> int:
    """How many of the newest commits origin does not have, as far as is known here, and else as origin says."""
    missing = _git(folder, "rev-list", "--first-parent", "--count", "HEAD", "--not", "--remotes=origin")
    if missing == "0":
        return 0
    # CI often fetches one commit and no branch.
    tips = _git(folder, "ls-remote", "origin", refusal="origin does not answer: is it reachable, and may you read it?")
    return 0 if head in {line.split("\t")[0] for line in tips.splitlines()} else int(missing)


def _several(files: list[str]) -> str:
    shown = ", ".join(files[:_SHOWN_FILES]) + (", …" if len(files) > _SHOWN_FILES else "")
    return f"{shown} {'is' if len(files) == 1 else 'are'}"


def _git(folder: Path, *arguments: str, refusal: str = "") -> str:
    """What git says; ``refusal`` and git's own last line where it refuses."""
    environment = os.environ | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            env=environment, capture_output=True, text=True, timeout=_SECONDS, check=True,
        )  # fmt: skip
    except FileNotFoundError as missing:
        raise WorkingCopyError("git is not installed: name --git-url and --revision") from missing
    except subprocess.TimeoutExpired as late:
        raise WorkingCopyError(refusal or f"git {arguments[0]} does not answer") from late
    except subprocess.CalledProcessError as failed:
        said = (failed.stderr.strip().splitlines() or [""])[-1]
        raise WorkingCopyError(f"{refusal} ({said})" if refusal else f"git {arguments[0]}: {said}") from failed
    return done.stdout.rstrip("\n")
