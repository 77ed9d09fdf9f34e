"""What this driver asks of a Debian host: its mirror, read when needed and never kept, and its packages."""

import os
import re
import shutil
import subprocess
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from hack.images.progress import BuildError, Progress
from hack.prepare import apt
from hack.prepare.machine import has_program
from hack.prepare.needs import IMAGES, missing_packages

_ENTRY = re.compile(
    r"^\s*\d+ (?P<mirror>\S+) (?P<suite>[a-z]+)/main \S+ Packages\n\s+release (?P<release>\S.*)$", re.MULTILINE
)


def find_mirror(policy: str) -> str | None:
    """Find Debian's own mirror in the output of `apt-cache policy`, past its updates and third parties."""
    for entry in _ENTRY.finditer(policy):
        fields = dict(field.split("=", 1) for field in entry["release"].split(",") if "=" in field)
        if fields.get("o") == "Debian" and fields.get("n") == entry["suite"]:
            return entry["mirror"]
    return None


def mirror(progress: Progress) -> str:
    """Return the mirror that this host uses; lists that a lean image has thrown away are fetched first."""
    found = find_mirror(_apt_policy())
    if found is None:
        with progress.step("apt-get update"), _apt_errors():
            apt.update_lists(progress.say)
        found = find_mirror(_apt_policy())
    if found is None:
        raise BuildError("apt on this host knows no Debian mirror to make a base from: use --bases public")
    return found


def _apt_policy() -> str:
    """Return `apt-cache policy` of this host, in English whatever its language is."""
    if shutil.which("apt-cache") is None:
        raise BuildError("a local base is made from Debian's packages, and this host has no apt: use --bases public")
    english = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(["apt-cache", "policy"], capture_output=True, text=True, check=True, env=english).stdout


def install_missing(programs: Collection[str], progress: Progress) -> None:
    """Install those of ``hack.prepare``'s programs for images that are not there, or name them where it cannot."""
    wanted = {program: IMAGES[program] for program in programs}
    if packages := missing_packages(wanted, has_program):
        with _apt_errors():
            apt.install(packages, progress.say)


@contextmanager
def _apt_errors() -> Iterator[None]:
    """Let apt's errors be shown as this driver shows its own."""
    try:
        yield
    except apt.AptError as error:
        raise BuildError(str(error)) from error
