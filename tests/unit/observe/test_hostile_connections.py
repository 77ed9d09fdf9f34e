"""Anybody may connect to the operator's ports: what they hold open is bounded, and others go on being answered."""

from __future__ import annotations

import contextlib
import errno
import re
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from publishbuild.observe.connections import MOST
from tests.builders import UID, a_message
from tests.support.flood import flooded
from tests.support.http_process import TOKEN
from tests.support.waiting import until

MANY = 4000
MOST_GROWTH_BYTES = 32 << 20
REPORT = f"/v1/builds/{UID}"
HALF_BODY = b"x" * 8000


class Ports:
    """The process of `tests.support.http_process`, and what it holds."""

    def __init__(self, log: Path) -> None:
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.http_process"], stdout=out, stderr=subprocess.STDOUT
            )
        self._log = log
        until(lambda: "\n" in log.read_text(), seconds=20, what="its ports")
        self.http, self.callback = (int(port) for port in log.read_text().splitlines()[0].split())

    def sockets(self) -> int:
        """How many sockets it has open, those that it listens on included."""
        found = 0
        for entry in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                found += entry.readlink().name.startswith("socket:")
        return found

    def memory(self) -> int:
        """Bytes of its memory."""
        said = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", said)[1]) * 1024  # type: ignore[index]

    def answer(self, path: str, *, body: str | None = None, token: str = TOKEN, source: str = "127.0.0.1") -> int:
        """The status of one good request; 0 where there is no answer."""
        port = self.callback if path.startswith("/v1/builds") else self.http
        connection = HTTPConnection("127.0.0.1", port, timeout=30, source_address=(source, 0))
        headers = {"Authorization": f"Bearer {token}"}
        with contextlib.closing(connection):
            try:
                connection.request("POST" if body else "GET", path, body, headers)
                return connection.getresponse().status
            except OSError:
                return 0

    def errors(self) -> list[str]:
        """What it logged."""
        return self._log.read_text().splitlines()[1:]


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    made = Ports(tmp_path_factory.mktemp("ports") / "log")
    yield made
    made.process.kill()
    made.process.wait(20)


def post(token: bytes, sent: bytes = HALF_BODY) -> bytes:
    """Half of a report."""
    head = f"POST {REPORT} HTTP/1.1\r\nHost: x\r\nContent-Length: 16000\r\nAuthorization: Bearer ".encode()
    return head + token + b"\r\n\r\n" + sent


HALVES = [
    pytest.param(post(b"a-token"), id="half a body, with a good token"),
    pytest.param(post(b"guess"), id="half a body, with a guess"),
    pytest.param(post(b"\xff"), id="half a body, with no text for a token"),
    pytest.param(b"POST / HTTP/1.1\r\nX: " + b"x" * 7000, id="half a head"),
    pytest.param(b"", id="nothing"),
    pytest.param(b"GET /v1/builds/a HTTP/1.1\r\nHost: x\r\n\r\n" * 400, id="many requests at once"),
]


FLOODS = [
    pytest.param(HALVES[0].values[0], MANY, 1, id="4,000 halves of a body"),
    # As many as are needed to reach every cap.
    *(pytest.param(*one.values, 2 * MOST, 1, id=one.id) for one in HALVES[1:]),
    pytest.param(HALVES[0].values[0], MANY, 200, id="from many addresses"),
]


@pytest.mark.parametrize(("said", "count", "peers"), FLOODS)
def test_half_sent_requests_cost_a_bounded_sum(ports: Ports, said: bytes, count: int, peers: int) -> None:
    """Any number of connections with half a request leaves few open and little memory, and all others are answered."""
    before = ports.memory()
    with flooded(ports.callback, said, count=count, peers=peers):
        until(lambda: ports.sockets() <= MOST + 20, seconds=20, what="few are open")
        assert ports.memory() - before < MOST_GROWTH_BYTES
        assert ports.answer(REPORT, body=a_message()) == 204
        assert ports.answer(f"{REPORT}/stop") == 200
        assert {ports.answer(path) for path in ("/healthz", "/readyz", "/metrics", "/v1/queue")} == {200}


@pytest.mark.parametrize("peers", [1, 200])
def test_the_probes_port_too(ports: Ports, peers: int) -> None:
    """Whoever floods the port of probes keeps neither a probe from another address nor one from their own away."""
    with flooded(ports.http, b"GET /healthz HTTP/1.1\r\n", count=2 * MOST, peers=peers):
        until(lambda: ports.sockets() <= MOST + 20, seconds=20, what="few are open")
        assert {ports.answer(path) for path in ("/healthz", "/readyz", "/metrics", "/v1/queue")} == {200}
        assert ports.answer("/healthz", source="127.0.1.1") == 200


def test_a_token_that_is_no_text_is_401(ports: Ports) -> None:
    """A byte 0xff in a token, and any other that is none of ASCII's, is refused as no token, without a line of log."""
    for token in (b"\xff", b"a\xfftoken", "ключ".encode(), b""):
        with socket.create_connection(("127.0.0.1", ports.callback)) as one:
            one.sendall(post(token))
            assert one.recv(4096).split()[1] == b"401"
    assert ports.errors() == []


def test_what_is_cut_off_or_no_http_is_not_logged(ports: Ports) -> None:
    """A report whose sender goes in the middle, and bytes that are no HTTP, leave no line in the log."""
    for said in (
        post(b"a-token"),
        b"\x16\x03\x01\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n\xff\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", ports.callback)) as one:
            one.sendall(said)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert ports.answer(REPORT, body=a_message()) == 204
    assert ports.errors() == []


@pytest.mark.parametrize("said", HALVES[2:5])
def test_a_request_has_a_deadline(ports: Ports, said: bytes) -> None:
    """The operator ends a connection whose request does not come; whoever sends it hears of that."""
    with socket.create_connection(("127.0.0.1", ports.callback), timeout=60) as one:
        one.sendall(said)
        until(lambda: _is_over(one), seconds=30, what="it is ended")


def _is_over(one: socket.socket) -> bool:
    try:
        return one.recv(65_536) == b""
    except OSError as error:
        return error.errno == errno.ECONNRESET


def test_a_refused_sender_reads_why(ports: Ports) -> None:
    """A report that is refused unread, for its token or its length, is answered also where it is long."""
    assert ports.answer(REPORT, body="x" * 100_000, token="guess") == 403
    assert ports.answer(REPORT, body="x" * 100_000) == 413


def test_a_compressed_body_stays_as_it_is(ports: Ports) -> None:
    """A body that says that it is compressed is not unpacked: it is no report."""
    with socket.create_connection(("127.0.0.1", ports.callback)) as one:
        one.sendall(
            f"POST {REPORT} HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n"
            f"Authorization: Bearer {TOKEN}\r\n\r\n\x1f\x1f\x1f\x1f".encode()
        )
        assert one.recv(4096).split()[1] == b"400"
    assert ports.errors() == []
