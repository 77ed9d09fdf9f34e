"""The fixture that fails the test that left a connection open."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.cluster import ROOT
from tests.support.open_connections import open_connections

pytestmark = pytest.mark.skipif(not open_connections(), reason="nobody tells here what a process has open")

CONFTEST = 'pytest_plugins = ("tests.support.open_connections",)'
WITHOUT = [f"-pno:{plugin}" for plugin in ("asyncio", "cacheprovider", "randomly", "xdist")]
SUITE = """
import asyncio, gc, os, socket, threading
import pytest
from tests.support import open_connections

open_connections.CLOSE_SECONDS = 0.2
LEFT = []

@pytest.fixture(scope="module")
def shared():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server

def test_socket_left():
    LEFT.append(socket.socket())

def test_pipe_left():
    LEFT.extend(os.pipe())

def test_transport_left():
    # Nothing refers to it once its loop is closed, and it is open all the same until it is collected.
    async def connect():
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        await asyncio.open_connection(*server.sockets[0].getsockname())
    gc.disable()
    with asyncio.Runner() as runner:
        runner.run(connect())

def test_garbage_of_the_test_before():
    gc.enable()
    gc.collect()

def test_fixture_of_the_module(shared):
    with socket.create_connection(shared.getsockname()):
        shared.accept()[0].close()

def test_closed():
    with socket.socket():
        pass

def test_closed_by_a_thread():
    threading.Timer(0.05, socket.socket().close).start()
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest says of the suite."""
    folder = tmp_path_factory.mktemp("suite")
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_suite.py").write_text(SUITE)
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    command = [sys.executable, "-m", "pytest", "-rA", *WITHOUT, "."]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("left", ["socket", "pipe", "transport"])
def test_what_is_left_open_fails_its_test_by_name(told: str, left: str) -> None:
    """A socket, a pipe or a transport that is garbage already fails the very test that opened it."""
    kind = "pipe" if left == "pipe" else "socket"
    assert f"ERROR test_suite.py::test_{left}_left - Failed: left open: {kind}:[" in told


def test_the_far_port_is_told(told: str) -> None:
    """A connection is told with its ports, so that it can be seen what it led to."""
    assert "(TCP, port " in told


@pytest.mark.parametrize(
    "good", ["garbage_of_the_test_before", "fixture_of_the_module", "closed", "closed_by_a_thread"]
)
def test_who_closes_is_not_blamed(told: str, good: str) -> None:
    """A test passes that closes what it opened, soon after it too; also after a leak, and with a module's fixture."""
    assert f"PASSED test_suite.py::test_{good}" in told
    assert f"ERROR test_suite.py::test_{good}" not in told
