"""Run a command in a clone of HEAD, on a bare Debian that has never seen this project (hack/fresh/README.md).

Imports nothing but the standard library: it is there before there is an environment.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from hack.cluster.forwarding import Command, Interrupted, SignalForwarder
from hack.fresh import settings
from hack.fresh.bare import SUITES, FreshError, say, unpack
from hack.fresh.inside import PLAN
from hack.prepare.surroundings import settle

ROOT = Path(__file__).resolve().parents[2]
NEWCOMER = "newcomer"
SEARCH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m hack.fresh", description=__doc__)
    parser.add_argument("run", help="a line for bash, such as 'make demo'")
    parser.add_argument("--suite", choices=SUITES, default=SUITES[0], help="which Debian (default: %(default)s)")
    parser.add_argument("--keep", action="store_true", help="leave the folder, and name it")
    parser.add_argument("--warm-go", action="store_true", help="lend it this machine's Go caches")
    parser.add_argument("--user", action="store_true", help="as a new user without root")
    parser.add_argument("--no-network", action="store_true", help="on a machine without network")
    return parser.parse_args()


def main() -> int:
    """The command's exit code; 1 if it could not be run."""
    wanted = _arguments()
    settle()
    if sys.platform != "linux" or os.geteuid():
        say("a fresh machine needs root on Debian (chroot, mounts): sudo make fresh …")
        return 1
    folder = Path(tempfile.mkdtemp(prefix="publishbuild-fresh-", dir=os.environ.get("TMPDIR", "/var/tmp")))  # noqa: S108
    folder.chmod(0o755)  # it becomes the root folder of users who are not root
    try:
        with SignalForwarder(_tell_first_process) as forwarder:
            code = _run(wanted, folder, forwarder)
    except FreshError as error:
        say(str(error))
        return 1
    except Interrupted as interrupted:
        return 128 + interrupted.number
    finally:
        if wanted.keep:
            say(f"left in {folder}; remove it with: rm -rf --one-file-system {folder}")
        else:
            _remove(folder)
    return code


def _run(wanted: argparse.Namespace, root: Path, forwarder: SignalForwarder) -> int:
    unpack(wanted.suite, root)
    home = f"/home/{NEWCOMER}" if wanted.user else "/root"
    if wanted.user:
        _done(["chroot", str(root), "/usr/sbin/useradd", "--create-home", "--shell", "/bin/bash", NEWCOMER])
    variables = settings.hand_in(root, home)
    clone = root / home.lstrip("/") / "project"
    _done(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)])
    _done(["git", "-C", str(clone), "remote", "remove", "origin"])
    if wanted.user:
        _done(["chroot", str(root), "/bin/chown", "-R", f"{NEWCOMER}:{NEWCOMER}", home])
    plan = {
        "root": str(root),
        "run": wanted.run,
        "user": NEWCOMER if wanted.user else "",
        "no_network": wanted.no_network,
        "binds": _go_caches(home) if wanted.warm_go else {},
        "environment": {
            **variables,
            "HOME": home,
            "LANG": "C.UTF-8",
            "PATH": SEARCH,
            "TERM": os.environ.get("TERM", "dumb"),
        },
    }
    namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]
    network = ["--net"] if wanted.no_network else []
    first = [sys.executable, "-m", "hack.fresh.inside"]
    say(f"Debian {wanted.suite}{', without network' * wanted.no_network}: {wanted.run}")
    # In a variable, which other users cannot read, as they can a command line: there may be passwords in it.
    environment = {**os.environ, PLAN: json.dumps(plan), "PYTHONPATH": str(ROOT)}
    began = time.monotonic()
    code = forwarder.run(Command([*namespaces, *network, *first], environment))
    say(f"ended with {code} after {time.monotonic() - began:.1f} s: {wanted.run}")
    return code


def _go_caches(home: str) -> dict[str, str]:
    """Where Go keeps what it compiled and what it fetched, here and there."""
    asked = subprocess.run(["go", "env", "GOCACHE", "GOMODCACHE"], capture_output=True, text=True, check=False)
    compiled, fetched = ([*asked.stdout.split(), "", ""])[:2]
    caches = {compiled: f"{home}/.cache/go-build", fetched: f"{home}/go/pkg/mod"}
    return {outside: inside for outside, inside in caches.items() if outside and Path(outside).is_dir()}


def _tell_first_process(unshare: subprocess.Popen[bytes], number: int) -> None:
    """Signal the machine's first process; `unshare` itself takes no signal while it waits.

    The kernel drops what a first process does not catch. One that does not yet has begun nothing, and is ended.
    """
    children = Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children")
    with suppress(OSError):
        first = [int(child) for child in children.read_text(encoding="utf-8").split()]
        for child in first:
            os.kill(child, number if _catches(child, number) else signal.SIGKILL)
        if not first:
            unshare.kill()


def _catches(pid: int, number: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (number - 1) & 1)


def _done(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FreshError(f"{command[0]} ended with {done.returncode}: {done.stderr.strip()}")


def _remove(folder: Path) -> None:
    """Its mounts went with the first process; should one be left, nothing behind it is deleted."""
    command = ["rm", "-rf", "--one-file-system", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        say(f"could not remove all of {folder}")


if __name__ == "__main__":
    sys.exit(main())
