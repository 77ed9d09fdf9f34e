"""What must be there before anything that takes minutes begins: ``python3 -m hack.prepare PURPOSE --target 'demo'``.

Runs with the machine's own Python, before there is an environment, and imports nothing but the standard library. All
that is missing is named at once; root on Debian gets it installed. Nothing happens on a machine that has it all.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys

from hack.prepare import apt, venv
from hack.prepare.machine import this_machine
from hack.prepare.needs import PURPOSES, Purpose, look
from hack.prepare.surroundings import end_by_exit, in_words, settle

TOOLS_READY = venv.ROOT / ".cluster" / "bin" / ".ready"
TOOLS_LIST = venv.ROOT / "hack" / "cluster" / "tools.txt"


def main() -> int:
    """0 when all is there, 1 with what is missing, or with why it could not be had."""
    parser = argparse.ArgumentParser(prog="python3 -m hack.prepare", description=__doc__)
    parser.add_argument("purpose", choices=PURPOSES, help="what the target needs")
    parser.add_argument("--target", default="", metavar="WORDS", help="the words after `make`, for what is shown")
    arguments = parser.parse_args()
    # A terminal that goes away must not leave behind what keeps Debian from starting services.
    end_by_exit()
    settle()
    try:
        return _prepare(arguments.target or arguments.purpose, PURPOSES[arguments.purpose])
    except (apt.AptError, venv.VenvError) as error:
        _say(str(error))
    except OSError as error:
        _say(in_words(error))
    return 1


def _prepare(target: str, purpose: Purpose) -> int:
    # Debian keeps what a node needs where only root's PATH looks, and not even that of every root.
    os.environ["PATH"] = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
    missing = look(target, purpose, this_machine(purpose))
    if missing.obstacles:
        print(f"make {target}: this machine lacks", file=sys.stderr)
        print("\n".join(f"  {obstacle}" for obstacle in missing.obstacles), file=sys.stderr)
        return 1
    if missing.packages:
        apt.install(missing.packages, _say)
    if not venv.is_ready(purpose.extra):
        venv.install(purpose.extra, _say)
    return _tools()


def _tools() -> int:
    """Fill .cluster/bin with kubectl and helm, when their list changed or they were not there."""
    folder = TOOLS_READY.parent
    if not venv.is_closed(folder.parent):
        # Anybody may have put a kubectl there: none of it is used.
        _say(f"making {folder.relative_to(venv.ROOT)}/ anew: other users may write to it")
        folder.parent.chmod(0o755)
        shutil.rmtree(folder)
    if TOOLS_READY.is_file() and TOOLS_READY.read_bytes() == TOOLS_LIST.read_bytes():
        return 0
    done = subprocess.run(
        [str(venv.VENV / "bin" / "python"), "-m", "hack.cluster", "tools"], cwd=venv.ROOT, check=False
    )
    if done.returncode == 0:
        TOOLS_READY.parent.mkdir(parents=True, exist_ok=True)
        TOOLS_READY.write_bytes(TOOLS_LIST.read_bytes())
    return done.returncode


def _say(text: str) -> None:
    print(f"prepare: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
