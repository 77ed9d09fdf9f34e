"""A real Redis, private to the tests of the queue."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from publishbuild.build_queue.redis_queue import RedisQueue

EPOCH = "epoch-1"


def start_redis(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """A redis-server on a free port, that answers."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.fail("redis-server is not installed: apt-get install redis-server", pytrace=False)
    for _ in range(5):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = int(free.getsockname()[1])
        arguments = [
            "--port",
            str(port),
            "--save",
            "",
            "--appendonly",
            "no",
            "--bind",
            "127.0.0.1",
            "--dir",
            str(folder),
        ]
        process = subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if _answers(process, port):
            return process, port
    pytest.fail("redis-server does not start", pytrace=False)


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                if connection.recv(7) == b"+PONG\r\n":
                    return True
        except OSError:
            time.sleep(0.02)  # asks again until it listens
    process.kill()
    process.wait()
    return False


@pytest.fixture(scope="session")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Port of a redis-server that lives as long as the test session."""
    process, port = start_redis(tmp_path_factory.mktemp("redis"))
    yield port
    process.terminate()
    process.wait(10)


@pytest.fixture
def redis_url(redis_port: int) -> str:
    return f"redis://127.0.0.1:{redis_port}/0"


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of its own, on an empty Redis with factory settings."""
    client: Redis = Redis.from_url(redis_url, decode_responses=True)
    await client.flushall()
    yield client
    await client.config_set("maxmemory", "0")
    await client.aclose()


@pytest.fixture
async def queue(redis: Redis, redis_url: str) -> AsyncIterator[RedisQueue]:
    """A queue with an empty index of its own."""
    await redis.ping()
    made = RedisQueue(redis_url, EPOCH)
    await made.rebuild({}, now=0)
    yield made
    await made.close()
