"""``python -m tests.standins.run_with_forwarder``: the real runner, with EAS replaced by the stand-in.

The entry point of the test image's build pods. It forwards 127.0.0.1:3000 to ``STANDIN_EAS`` (host:port), starts
``python -m publishbuild.runner`` as its child, hands SIGTERM on and ends with the child's exit code. The argument
``cancel`` and the runner's stages are its own; any others replace the child's command.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from tests.standins.forwarder import forward

NODE_STANDINS = Path(__file__).resolve().parent / "node"

# What the example app's run needs to stay inside the cluster; a variable that is already set wins.
DEFAULTS = {
    "EXPO_LOCAL": "1",
    "EXPO_TOKEN": "stand-in-token",
    "EAS_BUILD_SKIP_LOCKFILE_CHECK": "1",  # the example app is kept without its 8,000 lines of lockfile
    "EAS_BUILD_NO_EXPO_GO_WARNING": "true",
    "NODE_PATH": str(NODE_STANDINS),
    "PUBLISHBUILD_POLL_SECONDS": "1",  # the stand-in's builds take seconds, and each poll starts a CLI of its own
}


async def run(command: list[str]) -> int:
    """Forward, run the command, return its exit code."""
    host, _, port = os.environ.get("STANDIN_EAS", "standins:3000").rpartition(":")
    server = await forward(host, int(port), port=int(os.environ.get("STANDIN_FORWARD_PORT", "3000")))
    # A proxy for the outside must not come between the program and its own loopback.
    environment = {
        name: value for name, value in os.environ.items() if name.lower() not in {"http_proxy", "https_proxy"}
    }
    async with server:
        child = await asyncio.create_subprocess_exec(*command, env={**DEFAULTS, **environment})
        loop = asyncio.get_running_loop()
        for kind in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(kind, child.send_signal, kind)
        code = await child.wait()
    return 128 - code if code < 0 else code


RUNNER = [sys.executable, "-m", "publishbuild.runner"]
OWN: tuple[list[str], ...] = ([], ["cancel"], ["source"], ["dependencies"], ["publish"])

if __name__ == "__main__":
    given = sys.argv[1:]
    sys.exit(asyncio.run(run(RUNNER + given if given in OWN else given)))
