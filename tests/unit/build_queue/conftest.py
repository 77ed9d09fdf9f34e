"""A real Redis, private to the tests of the queue."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis

from publishbuild.build_queue.redis_queue import RedisQueue
from tests.support.redis_servers import Server

EPOCH = "epoch-1"


@pytest.fixture(scope="session")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Port of a redis-server that lives as long as the test session."""
    server = Server(tmp_path_factory.mktemp("redis")).start()
    yield server.port
    server.kill()


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
