"""A socket file, TLS, a Service that moves, a real Sentinel: the queue goes on by itself after a failover."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from redis.exceptions import ResponseError

from publishbuild.build_queue.redis_queue import EPOCH, QueueUnavailableError, RedisQueue, StaleIndexError
from tests.standins.make_certificate import make_certificate
from tests.support.ports import free_port
from tests.support.queue_probe import ROOM, Service, works
from tests.support.redis_servers import SentinelServer, Server, cluster_port, ended, eventually, has_tls
from tests.support.waiting import until


async def test_a_unix_socket(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A server that listens on a socket file alone is as good as any, in any of its databases."""
    folder = tmp_path_factory.mktemp("u")
    server = Server(folder, "--unixsocket", str(folder / "r s")).start()
    with ended(server):
        queue = RedisQueue(f"unix://{folder}/r%20s?db=2", "e")
        assert await works(queue)
        await queue.close()
        assert server.info("db2")
        queue = RedisQueue(f"unix://{folder}/none", "e")
        with pytest.raises(QueueUnavailableError, match=r"^refused: "):
            await queue.turn(ROOM, now=0)
        await queue.close()


async def test_a_service_that_points_elsewhere(tmp_path: Path) -> None:
    """One address whose server begins to refuse writes: the try after that finds the server that took its place."""
    old, new = Server(tmp_path / "old").start(), Server(tmp_path / "new").start()
    with ended(old, new):
        async with Service(old) as service:
            queue = RedisQueue(f"redis://127.0.0.1:{service.port}", "e")
            assert await works(queue)
            old.do("CONFIG", "SET", "min-replicas-to-write", "1")
            service.target = new
            assert not await works(queue)
            assert await works(queue)
            await queue.close()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not has_tls():
        pytest.skip("this server is built without TLS")
    folder = tmp_path_factory.mktemp("keys")
    make_certificate(folder, ["127.0.0.1"])
    return folder


async def test_tls_to_a_cluster(tmp_path: Path, keys: Path) -> None:
    """With rediss+cluster:// the nodes are asked, found and used over TLS."""
    tls = {"tls-cert-file": keys / "tls.crt", "tls-key-file": keys / "tls.key", "tls-ca-cert-file": keys / "ca.crt"}
    options = ("--cluster-enabled", "yes", "--cluster-require-full-coverage", "no", "--tls-cluster", "yes")
    port = cluster_port()
    node = Server(tmp_path, *options, "--tls-auth-clients", "no", "--tls-port", str(port), *_as_arguments(tls)).start()
    with ended(node):
        node.do("CLUSTER ADDSLOTS", node.do("CLUSTER KEYSLOT", EPOCH))
        queue = RedisQueue(f"rediss+cluster://127.0.0.1:{port}?ssl_ca_certs={keys / 'ca.crt'}", "e")
        await eventually(lambda: works(queue), seconds=10, what="the queue works")
        await queue.close()
        queue = RedisQueue(f"rediss+cluster://127.0.0.1:{port}", "e")
        with pytest.raises(QueueUnavailableError, match=r"^tls: "):
            await queue.turn(ROOM, now=0)
        await queue.close()


async def test_tls_to_server_and_sentinel(tmp_path: Path, keys: Path) -> None:
    """With the authority's certificate rediss:// and rediss+sentinel:// work; for another name they do not."""
    tls: dict[str, object] = {
        "tls-cert-file": keys / "tls.crt",
        "tls-key-file": keys / "tls.key",
        "tls-ca-cert-file": keys / "ca.crt",
    }
    tls |= {"tls-replication": "yes", "tls-auth-clients": "no"}
    master = Server(tmp_path / "master", "--tls-port", str(port := free_port()), *_as_arguments(tls)).start()
    asked = SentinelServer(tmp_path / "sentinel", master, port, tls | {"tls-port": (sentinel := free_port())}).start()
    with ended(master, asked):
        for url in (f"rediss://127.0.0.1:{port}/0", f"rediss+sentinel://127.0.0.1:{sentinel}/mymaster"):
            queue = RedisQueue(f"{url}?ssl_ca_certs={keys / 'ca.crt'}", "e")
            await eventually(lambda queue=queue: works(queue), seconds=10, what=f"{url} works")  # type: ignore[misc]
            await queue.close()
        queue = RedisQueue(f"rediss://localhost:{port}/0?ssl_ca_certs={keys / 'ca.crt'}", "e")
        with pytest.raises(QueueUnavailableError, match=r"^tls: "):
            await queue.turn(ROOM, now=0)
        await queue.close()


def _as_arguments(settings: Mapping[str, object]) -> list[str]:
    return [part for name, value in settings.items() for part in (f"--{name}", str(value))]


class TestSentinel:
    @pytest.fixture
    def master(self, tmp_path: Path) -> Iterator[Server]:
        server = Server(tmp_path / "master", "--repl-diskless-sync-delay", "0").start()
        with ended(server):
            yield server

    @pytest.fixture
    def replica(self, tmp_path: Path, master: Server) -> Iterator[Server]:
        server = Server(tmp_path / "replica", "--replicaof", "127.0.0.1", str(master.port)).start()
        with ended(server):
            until(lambda: server.info("master_link_status") == "up", seconds=20, what="the replica follows")
            yield server

    @pytest.fixture
    def sentinel(self, tmp_path: Path, master: Server, replica: Server) -> Iterator[Server]:
        server = SentinelServer(tmp_path / "sentinel", master).start()
        with ended(server):
            until(
                lambda: str(replica.port) in str(server.do("SENTINEL REPLICAS", "mymaster")), seconds=20, what="found"
            )
            yield server

    async def test_goes_on_after_the_master_died(self, master: Server, replica: Server, sentinel: Server) -> None:
        """The Sentinels promote the replica: the same queue object finds it, and the script is sent anew."""
        # A Sentinel that is away costs the others no more than a moment.
        before = int(sentinel.info("connected_clients"))
        queue = RedisQueue(f"redis+sentinel://127.0.0.1:{free_port()},{sentinel.place}/mymaster/0", "e")
        assert await works(queue)
        master.kill()
        with pytest.raises(QueueUnavailableError):
            await queue.turn(ROOM, now=0)
        await eventually(lambda: works(queue), seconds=60, what="the queue works on the new master")
        assert replica.info("role") == "master"
        await queue.close()
        # The dead master's link is the Sentinel's own.
        until(lambda: int(sentinel.info("connected_clients")) <= before, seconds=10, what="no connection is left")

    async def test_goes_on_after_a_switch(self, master: Server, replica: Server, sentinel: Server) -> None:
        """A failover on demand leaves a master that is read only: the queue leaves it for the new one."""
        queue = RedisQueue(f"redis+sentinel://{sentinel.place}/mymaster", "e")
        assert await works(queue)

        def accepted() -> bool:
            # At first the Sentinel does not know yet how good the replica is.
            with contextlib.suppress(ResponseError):
                return bool(sentinel.do("SENTINEL FAILOVER", "mymaster"))
            return False

        until(accepted, seconds=20, what="the failover begins")
        until(lambda: replica.info("role") == "master", seconds=60, what="the replica is promoted")
        # The Sentinels do the same, some seconds later.
        master.do("REPLICAOF", "127.0.0.1", replica.port)
        await eventually(lambda: works(queue), seconds=60, what="the queue works on the new master")
        assert replica.do("EXISTS", EPOCH) == 1
        await queue.close()

    async def test_a_hanging_sentinel_does_not_hide_the_others(
        self, tmp_path: Path, master: Server, sentinel: Server
    ) -> None:
        """The first Sentinel accepts and never answers: the second is asked within the same turn."""
        hanging = SentinelServer(tmp_path / "hanging", master).start()
        with ended(hanging), hanging.frozen():
            queue = RedisQueue(f"redis+sentinel://{hanging.place},{sentinel.place}/mymaster", "e")
            with pytest.raises(StaleIndexError):
                await queue.turn(ROOM, now=0)
            await queue.close()
