"""The bare Debian: made once by debootstrap, kept as one file, unpacked for each run."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from hack.cluster.places import cache
from hack.prepare import apt

SUITES = ("bookworm", "trixie")
PACKAGES = ("ca-certificates", "git", "iproute2", "make", "procps", "python3", "python3-venv")
LEFT_OUT = ("etc/apt/sources.list", "etc/hostname", "etc/resolv.conf", "var/cache/apt/archives/*.deb")
"""What debootstrap copies from the machine that it runs on, which each run does anew, and what it has fetched."""
_TARGET = re.compile(r"^(?P<uri>\S+) (?P<release>\S+) (?P<origin>.*)$", re.MULTILINE)


class FreshError(Exception):
    """Something that the person at the terminal can act on; shown as one message, without a traceback."""


def say(text: str) -> None:
    """One line about what happens next."""
    print(f"fresh: {text}", file=sys.stderr, flush=True)


def find_mirror(targets: str, codename: str) -> str | None:
    """This machine's Debian mirror, from lines of `apt-get indextargets`: address, release and, if known, origin.

    Debian's own origin goes first; where lists were never fetched no origin is known, and the release has to do.
    """
    found = [match for match in _TARGET.finditer(targets) if match["release"] == codename]
    ours = [match["uri"] for match in found if match["origin"] == "Debian"]
    unknown = [match["uri"] for match in found if not match["origin"].strip()]
    return next(iter([*ours, *unknown]), None)


def mirror() -> str | None:
    """This machine's mirror; None leaves debootstrap its own default."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(ORIGIN)", "Created-By: Packages"]
    told = subprocess.run(asked, capture_output=True, text=True, check=False)
    release = Path("/etc/os-release").read_text(encoding="utf-8")
    codename = re.search(r"^VERSION_CODENAME=(\w+)$", release, re.MULTILINE)
    return find_mirror(told.stdout, codename[1]) if codename else None


def unpack(suite: str, root: Path) -> None:
    """Fill the folder with the bare Debian, made now if it never was."""
    archive = cache() / f"bare-{suite}-{_key()}.tar"
    if not archive.exists():
        _make(suite, archive)
    _run(["tar", "-C", str(root), "-xf", str(archive)])
    if found := mirror():
        (root / "etc/apt/sources.list").write_text(f"deb {found} {suite} main\n", encoding="utf-8")


def _key() -> str:
    return hashlib.sha256(repr((PACKAGES, LEFT_OUT)).encode()).hexdigest()[:8]


def _make(suite: str, archive: Path) -> None:
    if not shutil.which("debootstrap"):
        try:
            apt.install(["debootstrap"], say)
        except apt.AptError as error:
            raise FreshError(str(error)) from error
    say(f"making a bare Debian {suite}, once (about a minute)")
    with tempfile.TemporaryDirectory(dir=archive.parent, prefix=".bare-") as scratch:
        root = Path(scratch) / "root"
        source = [found] if (found := mirror()) else []
        # In a namespace of its own: what it mounts goes with it, however it ends, and nothing is deleted through it.
        alone = ["unshare", "--mount", "--propagation", "private"]
        _run([*alone, "debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", suite, str(root), *source])
        for path in [found for pattern in LEFT_OUT for found in root.glob(pattern)]:
            path.unlink()
        part = archive.with_name(f".{archive.name}.part")
        _run(["tar", "--numeric-owner", "-C", str(root), "-cf", str(part), "."])
        part.replace(archive)


def _run(command: list[str]) -> None:
    """Run a program to its end.

    Raises:
        FreshError: it failed; with the last lines that it said.
    """
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        said = "\n  ".join(done.stdout.splitlines()[-5:])
        raise FreshError(f"{command[0]} ended with {done.returncode}:\n  {said}")
