"""Real servers for the tests of the queue: single, replica, Sentinel, Cluster. ``REDIS_SERVER`` names another program.

``REDIS_SERVER=/path/to/valkey-server pytest tests/unit/build_queue`` tries the queue on that server.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest
import redis

from tests.support.ports import HIGHEST, free_port
from tests.support.waiting import PATIENCE, until

Found = TypeVar("Found")
SLOTS = 16384


def server_program() -> str:
    """The server under test."""
    named = os.environ.get("REDIS_SERVER", "redis-server")
    program = shutil.which(named)
    if program is None:
        pytest.fail(f"{named} is not installed: apt-get install redis-server", pytrace=False)
    return program


def has_tls() -> bool:
    """Whether it is built with TLS. Without a certificate it does not start either way, and says why."""
    command = [server_program(), "--port", "0", "--tls-port", str(free_port())]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    return not re.search(r"Failed finding TLS|Bad directive", said.stdout + said.stderr)


def cluster_port() -> int:
    """A free port for a Cluster's node, which also takes the one 10000 above."""
    return free_port(HIGHEST - 10_000)


class Server:
    """One server process on a port of its own, without persistence unless the arguments say otherwise."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = cluster_port() if "--cluster-enabled" in arguments else free_port()
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Server:
        """Start it, or start it again; it answers, be it with an error."""
        command = [server_program(), *self._command()]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        until(self._answers, seconds=20, what="the server answers", pause=0.02)
        return self

    def _command(self) -> list[str]:
        plain = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        return [*plain, "--appendonly", "no", *self._arguments]

    def _answers(self) -> bool:
        process = self._process
        assert process is not None
        assert process.poll() is None, (self.folder / "server.log").read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(1) in (b"+", b"-")
        return False

    def kill(self) -> None:
        """End it at once, as a node's failure does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Connections stay open, nothing answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    def do(self, *command: Any) -> Any:
        """One command, on a connection of its own."""
        with redis.Redis(port=self.port, decode_responses=True, protocol=2) as client:
            return client.execute_command(*command)

    def info(self, name: str) -> str:
        with redis.Redis(port=self.port, decode_responses=True, protocol=2) as client:
            return str(client.info().get(name, ""))


class SentinelServer(Server):
    """A Sentinel that watches one master under the name ``mymaster``, and is quick to give it up."""

    def __init__(
        self, folder: Path, master: Server, master_port: int | None = None, settings: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(folder)
        self._master_port = master_port or master.port
        self._settings = settings or {}

    def _command(self) -> list[str]:
        file = self.folder / "sentinel.conf"
        file.write_text(
            "".join(f"{name} {value}\n" for name, value in self._settings.items())
            + f"port {self.port}\nbind 127.0.0.1\ndir {self.folder}\n"
            f"sentinel monitor mymaster 127.0.0.1 {self._master_port} 1\n"
            "sentinel down-after-milliseconds mymaster 300\nsentinel failover-timeout mymaster 2000\n"
        )
        return [str(file), "--sentinel"]


@contextlib.contextmanager
def ended(*servers: Server) -> Iterator[None]:
    """They are killed in the end."""
    try:
        yield
    finally:
        for server in servers:
            server.kill()


def cluster(folder: Path) -> list[Server]:
    """Three masters, without replicas, that share all slots. The first serves the queue's keys."""
    options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "500", "--cluster-config-file", "nodes.conf")
    nodes = [Server(folder / str(n), *options).start() for n in range(3)]
    try:
        owner = int(nodes[0].do("CLUSTER KEYSLOT", "{publishbuild}:epoch")) * 3 // SLOTS
        for number, node in enumerate(nodes):
            third = (number + owner) % 3
            node.do("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            node.do("CLUSTER", "ADDSLOTS", *(slot for slot in range(SLOTS) if slot * 3 // SLOTS == third))
            node.do("CLUSTER", "MEET", "127.0.0.1", nodes[0].port)
        until(lambda: all(is_whole(node) for node in nodes), seconds=20, what="the cluster is whole")
    except BaseException:
        for node in nodes:
            node.kill()
        raise
    return nodes


def move_slot(source: Server, target: Server, nodes: list[Server]) -> None:
    """``target`` serves the queue's slot, which is empty, in place of ``source``.

    By way of IMPORTING: only a node that imports takes an epoch above the owner's. Without that a heartbeat that the
    old owner sent just before gives the slot back to it, and each of the two sends clients to the other for good.
    """
    slot = source.do("CLUSTER KEYSLOT", "{publishbuild}:epoch")
    target.do("CLUSTER SETSLOT", slot, "IMPORTING", source.do("CLUSTER MYID"))
    name = target.do("CLUSTER MYID")
    source.do("CLUSTER SETSLOT", slot, "MIGRATING", name)
    for node in sorted(nodes, key=lambda node: node is not target):
        node.do("CLUSTER SETSLOT", slot, "NODE", name)


def is_whole(node: Server) -> bool:
    """Whether ``node`` sees all slots served by three nodes."""
    # Asked as one word: the client has a reader of its own for each of the two.
    told = str(node.do("CLUSTER INFO"))
    return "cluster_state': 'ok'" in told and "cluster_known_nodes': '3'" in told


async def eventually(look: Callable[[], Awaitable[Found]], *, seconds: float, what: str) -> Found:
    """`until` for what must be awaited: the first truthy answer."""
    deadline = time.monotonic() + seconds * PATIENCE
    while not (found := await look()):
        assert time.monotonic() < deadline, f"not within {seconds * PATIENCE} s: {what}"
        await asyncio.sleep(0.05)
    return found
