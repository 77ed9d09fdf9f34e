"""Each way in which Redis cannot be used, provoked: the error has the word and the advice of the table."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import redis as client

from publishbuild.build_queue import connection
from publishbuild.build_queue.errors import QueueUnavailableError, fault_of, unavailable
from publishbuild.build_queue.faults import FAULTS
from publishbuild.build_queue.redis_queue import EPOCH, WAITING, RedisQueue, StaleIndexError
from publishbuild.decide.order import Room
from tests.standins.make_certificate import make_certificate
from tests.support.ports import free_port
from tests.support.redis_servers import SentinelServer, Server, has_tls
from tests.support.waiting import until

ROOM = Room(places=1, namespace_limit=0, running={}, busy=(), turns={"a": 0})
ONE = {"x": "a:1000:00000000001:00000000000000001:x:"}


class Rig:
    """A server that each test finds with factory settings, and others that are started when they are asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.main = Server(folder / "main", "--lua-time-limit", "50").start()
        self._others: dict[str, Server] = {}

    def other(self, name: str, *arguments: str) -> Server:
        if name not in self._others:
            self._others[name] = Server(self.folder / name, *arguments).start()
        return self._others[name]

    def sentinel(self) -> Server:
        if "sentinel" not in self._others:
            self._others["sentinel"] = SentinelServer(self.folder / "sentinel", self.main).start()
        return self._others["sentinel"]

    def close(self) -> None:
        for server in (self.main, *self._others.values()):
            server.kill()


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    made = Rig(tmp_path_factory.mktemp("faults"))
    yield made
    made.close()


Provoke = Callable[[Rig], AbstractAsyncContextManager[str]]
PROVOKE: dict[str, Provoke] = {}
# A replica refuses writes as such before it looks for its master.
AND_ALSO = {"master-down": {"read-only"}}


def provokes(word: str) -> Callable[[Callable[[Rig], AsyncIterator[str]]], None]:
    """The function makes Redis fail in the way of ``word``, gives the URL and puts it right."""

    def keep(function: Callable[[Rig], AsyncIterator[str]]) -> None:
        PROVOKE[word] = contextlib.asynccontextmanager(function)

    return keep


@contextlib.contextmanager
def configured(server: Server, **settings: str) -> Iterator[None]:
    """The server's settings are others for a while."""
    before = {name: server.do("CONFIG", "GET", name.replace("_", "-"))[1] for name in settings}
    try:
        for name, value in settings.items():
            server.do("CONFIG", "SET", name.replace("_", "-"), value)
        yield
    finally:
        for name, value in before.items():
            server.do("CONFIG", "SET", name.replace("_", "-"), value)


@contextlib.asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[str]:
    """The URL of something that answers every read with ``answer``, or hangs up where that is empty."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536) and answer:
            writer.write(answer * 10)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(say, "127.0.0.1", 0)
    yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


@provokes("no-master")
async def _no_master(rig: Rig) -> AsyncIterator[str]:
    yield f"redis+sentinel://{rig.sentinel().place}/another"


@provokes("tls")
async def _tls(rig: Rig) -> AsyncIterator[str]:
    if not has_tls():
        pytest.skip("this server is built without TLS")
    folder, port = rig.folder / "keys", free_port()
    make_certificate(folder, ["127.0.0.1"])
    files = ("--tls-cert-file", str(folder / "tls.crt"), "--tls-key-file", str(folder / "tls.key"))
    rig.other(
        "tls", "--tls-port", str(port), "--tls-auth-clients", "no", "--tls-ca-cert-file", str(folder / "ca.crt"), *files
    )
    yield f"rediss://127.0.0.1:{port}"


@provokes("auth")
async def _auth(rig: Rig) -> AsyncIterator[str]:
    yield f"redis://nobody:canary@{rig.main.place}"


@provokes("permission")
async def _permission(rig: Rig) -> AsyncIterator[str]:
    rig.main.do("ACL", "SETUSER", "weak", "on", ">canary", "~{publishbuild}:*", "+evalsha", "+eval", "+get", "+del")
    yield f"redis://weak:canary@{rig.main.place}"
    rig.main.do("ACL", "DELUSER", "weak")


@provokes("loading")
async def _loading(rig: Rig) -> AsyncIterator[str]:
    filled = Server(rig.folder / "loading").start()
    with client.Redis(port=filled.port) as admin:
        # Redis 6.2 looks at its connections after each 2 MB: enough for many such looks.
        admin.mset({f"k{n}": os.urandom(10_000) for n in range(3000)})
        admin.save()
    filled.kill()
    slow = ("--key-load-delay", "1000")
    yield rig.other("loading", *slow).url


@provokes("master-down")
async def _master_down(rig: Rig) -> AsyncIterator[str]:
    orphan = rig.other("orphan", "--replicaof", "127.0.0.1", str(free_port()))
    with configured(orphan, replica_serve_stale_data="no"):
        yield orphan.url


@provokes("read-only")
async def _read_only(rig: Rig) -> AsyncIterator[str]:
    yield rig.other("orphan", "--replicaof", "127.0.0.1", str(free_port())).url


@provokes("cluster-down")
async def _cluster_down(rig: Rig) -> AsyncIterator[str]:
    yield rig.other("no slots", "--cluster-enabled", "yes").url


@provokes("moved")
async def _moved(rig: Rig) -> AsyncIterator[str]:
    # A Cluster of one, that is about to give the queue's slot away, sends the asker on.
    node = rig.other("moving", "--cluster-enabled", "yes")
    node.do("CLUSTER", "ADDSLOTS", *range(16384))
    until(lambda: "'ok'" in str(node.do("CLUSTER INFO")), seconds=10, what="the node serves its slots")
    target = rig.other("takes slots", "--cluster-enabled", "yes")
    node.do("CLUSTER", "MEET", "127.0.0.1", target.port)
    name = target.do("CLUSTER", "MYID")
    until(lambda: name in str(node.do("CLUSTER NODES")), seconds=10, what="they know each other")
    slot = node.do("CLUSTER", "KEYSLOT", WAITING)
    node.do("CLUSTER", "SETSLOT", slot, "MIGRATING", name)
    yield node.url


@provokes("not-a-cluster")
async def _not_a_cluster(rig: Rig) -> AsyncIterator[str]:
    yield f"redis+cluster://{rig.main.place}"


@provokes("out-of-memory")
async def _out_of_memory(rig: Rig) -> AsyncIterator[str]:
    with configured(rig.main, maxmemory="1"):
        yield rig.main.url


@provokes("cannot-save")
async def _cannot_save(rig: Rig) -> AsyncIterator[str]:
    folder = rig.folder / "gone"
    folder.mkdir()
    full = rig.other("full", "--dir", str(folder))
    full.do("CONFIG", "SET", "save", "900 1")
    shutil.rmtree(folder)
    full.do("BGSAVE")
    until(lambda: full.info("rdb_last_bgsave_status") == "err", seconds=10, what="a save failed")
    yield full.url


@provokes("no-replicas")
async def _no_replicas(rig: Rig) -> AsyncIterator[str]:
    with configured(rig.main, min_replicas_to_write="1"):
        yield rig.main.url


@provokes("busy")
async def _busy(rig: Rig) -> AsyncIterator[str]:
    with socket.create_connection(("127.0.0.1", rig.main.port)) as somebody:
        somebody.sendall(b'EVAL "while true do end" 0\r\n')

        def is_busy() -> bool:
            try:
                return not rig.main.do("PING")
            except client.ResponseError as error:
                return "BUSY" in str(error)

        until(is_busy, seconds=10, what="the script keeps it busy")
        yield rig.main.url
        rig.main.do("SCRIPT", "KILL")


@provokes("too-many-clients")
async def _too_many_clients(rig: Rig) -> AsyncIterator[str]:
    full = rig.other("crowded", "--maxclients", "1")

    def join() -> socket.socket | None:
        # Whoever looked whether it has started may still hold the one place.
        somebody = socket.create_connection(("127.0.0.1", full.port))
        with contextlib.suppress(OSError):
            somebody.sendall(b"PING\r\n")
            if somebody.recv(100).startswith(b"+PONG"):
                return somebody
        somebody.close()
        return None

    with until(join, seconds=10, what="somebody has the one connection"):
        yield full.url


@provokes("unsupported")
async def _unsupported(rig: Rig) -> AsyncIterator[str]:
    yield rig.other("renamed", "--rename-command", "EVALSHA", "", "--rename-command", "DEL", "").url


@provokes("wrong-type")
async def _wrong_type(rig: Rig) -> AsyncIterator[str]:
    rig.main.do("DEL", EPOCH)
    rig.main.do("SADD", EPOCH, "x")
    yield rig.main.url
    rig.main.do("FLUSHALL")


@provokes("unknown-host")
async def _unknown_host(_: Rig) -> AsyncIterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        # No question may leave this machine.
        patch.setattr(asyncio.get_running_loop(), "getaddrinfo", _no_address)
        yield "redis://nobody.invalid"


async def _no_address(*_: object, **__: object) -> None:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@provokes("unreachable")
async def _unreachable(_: Rig) -> AsyncIterator[str]:
    yield "redis://255.255.255.255"  # no packet is sent: the kernel knows no way


@provokes("refused")
async def _refused(_: Rig) -> AsyncIterator[str]:
    yield f"redis://127.0.0.1:{free_port()}"


@provokes("closed")
async def _closed(_: Rig) -> AsyncIterator[str]:
    async with answering(b"") as url:
        yield url


@provokes("not-redis")
async def _not_redis(_: Rig) -> AsyncIterator[str]:
    async with answering(b"HTTP/1.1 400 Bad Request\r\n") as url:
        yield url


@provokes("other")
async def _other(_: Rig) -> AsyncIterator[str]:
    async with answering(b"-STRANGE things happen\r\n") as url:
        yield url


@provokes("timeout")
async def _timeout(rig: Rig) -> AsyncIterator[str]:
    with pytest.MonkeyPatch.context() as patch, rig.other("hanging").frozen():
        patch.setattr(connection, "ANSWER_SECONDS", 0.5)
        yield rig.other("hanging").url


async def errors_of(url: str) -> list[QueueUnavailableError]:
    """What a turn and a rebuild say; a turn without an index is stale before anything can be refused."""
    queue, errors = RedisQueue(url, "e"), list[QueueUnavailableError]()
    for call in (lambda: queue.turn(ROOM, now=0, waiting=ONE), lambda: queue.rebuild(ONE, now=0)):
        try:
            await call()
        except QueueUnavailableError as error:
            errors.append(error)
        except StaleIndexError:
            continue
    await queue.close()
    return errors


@pytest.mark.parametrize("word", [fault.word for fault in FAULTS])
async def test_each_fault_is_named(rig: Rig, word: str) -> None:
    """However Redis fails, turn and rebuild say so with the word of the table, in one line without password."""
    queue = RedisQueue(rig.main.url, "e")
    await queue.rebuild({}, now=0)
    await queue.close()
    async with PROVOKE[word](rig) as url:
        errors = await errors_of(url)
    assert errors[0].word == word
    assert {error.word for error in errors} <= {word} | AND_ALSO.get(word, set())
    for error in errors:
        assert str(error).startswith(f"{error.word}: ")
        assert "canary" not in str(error)
        assert "\n" not in str(error)
        assert len(str(error)) < 500


def test_the_page_has_each_fault() -> None:
    """docs/redis.md says of each fault what the table says, in its order."""
    page = (Path(__file__).parents[3] / "docs" / "redis.md").read_text()
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+?) \| (.+?) \|$", page.split("## Errors")[1], flags=re.MULTILINE)
    assert rows == [(fault.word, fault.meaning, fault.advice) for fault in FAULTS]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        pytest.param("ASK 42 127.0.0.1:7001", "moved", id="slot on its way"),
        pytest.param("NOAUTH Authentication required.", "auth", id="no password given"),
        pytest.param(
            "Error running script: @user_script:3: -MISCONF Redis is", "cannot-save", id="wrapped by a script"
        ),
        pytest.param("ERR value is not an integer", "other", id="no word of its own"),
    ],
)
def test_codes_are_found_in_the_text(text: str, word: str) -> None:
    """A code counts wherever it stands, because Redis 6.2 wraps it."""
    assert fault_of(client.ResponseError(text)).word == word


def test_what_the_server_repeats_is_left_out() -> None:
    """Some servers repeat the arguments of a command that they do not know: AUTH's are secrets."""
    echoed = client.ResponseError("unknown command 'AUTH', with args beginning with: 'user' 'canary'")
    piped = client.ResponseError("Command # 1 (HSET k member canary) of pipeline caused error: OOM command not allowed")
    for error, word in ((echoed, "unsupported"), (piped, "out-of-memory")):
        told = unavailable(error)
        assert told.word == word
        assert "canary" not in str(told)
