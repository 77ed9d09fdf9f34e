"""The first process of the fresh machine: mounts what a machine has, then runs the command in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from hack.cluster.forwarding import Command, SignalForwarder

PLAN = "PUBLISHBUILD_FRESH_PLAN"
"""The variable that says what to do: JSON, made by hack.fresh."""


def main() -> int:
    """The command's exit code."""
    plan = json.loads(os.environ[PLAN])
    root = plan["root"]
    _mount("--bind", root, root)
    _mount("-t", "proc", "proc", f"{root}/proc")
    for shared in ("/sys", "/dev"):
        _mount("--rbind", shared, root + shared)
    for own in ("/run", "/tmp"):  # noqa: S108  # the machine's, not a file of ours
        _mount("-t", "tmpfs", "tmpfs", root + own)
    for outside, inside in plan["binds"].items():
        Path(root + inside).mkdir(parents=True, exist_ok=True)
        _mount("--bind", outside, root + inside)
    if plan["no_network"]:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)  # which every machine has
    user = [f"--userspec={plan['user']}:{plan['user']}"] if plan["user"] else []
    shell = ["/bin/bash", "-c", f'cd "$HOME/project" || exit; {plan["run"]}']
    with SignalForwarder() as forwarder:
        return forwarder.run(Command(["chroot", *user, root, *shell], plan["environment"]))


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


if __name__ == "__main__":
    sys.exit(main())
