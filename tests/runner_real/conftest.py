"""The real ``eas-cli`` on this host, with the stand-ins beside it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.runner_real.attempts import EAS_PORT, STAGES, Standins, kill_leftovers
from tests.runner_real.node import cache_folder, node_folder
from tests.support.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

EAS_CLI_VERSION = "24.8.0"
DEADLINE_SECONDS = 30


@pytest.fixture(autouse=True)
def _fresh(standins: Standins) -> Iterator[None]:
    """EAS knows nothing at the start of each test and fails nowhere; no attempt is left at its end."""
    standins.post("reset", {})
    standins.post("settings", {"stages": STAGES})
    yield
    kill_leftovers()


@pytest.fixture(scope="session", autouse=True)
def _node() -> None:
    """The node and npm of the image, before those of the machine, which may have none."""
    os.environ["PATH"] = f"{node_folder()}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture(scope="session")
def eas_cli() -> Path:
    """``$EAS_CLI``, the pinned version in the cache, or the pinned version installed there now (167 MB, once)."""
    if named := os.environ.get("EAS_CLI"):
        return Path(named)
    folder = cache_folder() / f"eas-cli-{EAS_CLI_VERSION}"
    program = folder / "node_modules" / ".bin" / "eas"
    if not program.exists():
        sys.__stderr__.write(f"\ninstalling eas-cli@{EAS_CLI_VERSION} into {folder} (once, about 30 s)\n")  # type: ignore[union-attr]
        # Installed beside its place and moved there, so that an interrupted install is not taken for a whole one.
        fresh = folder.with_name(f"{folder.name}.{os.getpid()}")
        command = ("npm", "install", "--prefix", str(fresh), "--no-audit", "--no-fund", "--ignore-scripts")
        subprocess.run((*command, f"eas-cli@{EAS_CLI_VERSION}"), check=True, stdout=subprocess.DEVNULL)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
    return program


@pytest.fixture(scope="session")
def standins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standins]:
    """The stand-ins as the demo's pod runs them, in a process of their own; only the git ports are free to choose."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", EAS_PORT))
        except OSError:
            pytest.fail(f"port {EAS_PORT} is taken, and EXPO_LOCAL=1 nails eas-cli to it: free it and run again")
    folder = tmp_path_factory.mktemp("standins")
    names = ("tests/standins/make_certificate.py", str(folder), "localhost", "127.0.0.1")
    subprocess.run((sys.executable, *names), check=True)
    http_port, https_port = free_port(), free_port()
    environment = {
        **os.environ,
        "STANDIN_HOST": "127.0.0.1",
        "STANDIN_TLS_DIR": str(folder),
        "STANDIN_HTTP_PORT": str(http_port),
        "STANDIN_HTTPS_PORT": str(https_port),
    }
    with subprocess.Popen((sys.executable, "-m", "tests.standins.serve"), env=environment) as server:
        try:
            _wait_for(f"http://127.0.0.1:{http_port}/healthz", server)
            yield Standins(http_port=http_port, https_port=https_port, certificate=folder / "ca.crt")
        finally:
            server.terminate()


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            urllib.request.urlopen(url, timeout=1).close()  # noqa: S310 - our own server
        except OSError:
            assert server.poll() is None, "the stand-ins ended"
            assert time.monotonic() < deadline, f"{url} does not answer"
        else:
            return
