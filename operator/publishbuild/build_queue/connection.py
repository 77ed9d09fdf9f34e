"""Connections to Redis, of each form of ``REDIS_URL``: bounded in number and in time, and dropped after any failure.

The client never tries again by itself: the dispatcher does, with a pause that grows. What a connection may still owe
after a failure is never read as the answer to something else, because no connection outlives a failure.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ssl
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

from redis.asyncio import Connection, ConnectionPool, Redis, RedisCluster, Sentinel, SSLConnection
from redis.asyncio import UnixDomainSocketConnection as UnixConnection
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from publishbuild.build_queue.address import Address, AddressError, read_address
from publishbuild.build_queue.errors import UNREACHABLE, unavailable

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 5.0
# One that hangs must leave time for the next to be asked.
ONE_OF_SEVERAL_SECONDS = 1.0
_CLOSE_SECONDS = 0.5
# The dispatcher uses one at a time; the rest is for one that a cancelled call has not given back yet.
_MOST_CONNECTIONS = 4


class Script:
    """A Lua script: named by its hash, and sent whole to a server that does not know it (new, emptied, failed over).

    EVAL teaches it to the very server that needs it, also in a Cluster, and asks for no right to SCRIPT LOAD.
    """

    def __init__(self, client: Redis, text: str) -> None:
        self._client = client
        self._text = text
        self._sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    async def __call__(self, *, keys: Sequence[str], args: Sequence[str | int | float]) -> Any:
        """The script's answer.

        Raises:
            RedisError: and the other members of `UNREACHABLE`.
        """
        client = cast("Any", self._client)
        try:
            return await client.evalsha(self._sha, len(keys), *keys, *args)
        except NoScriptError:
            return await client.eval(self._text, len(keys), *keys, *args)


@contextlib.asynccontextmanager
async def reaching(client: Redis, seconds: float = ANSWER_SECONDS) -> AsyncIterator[None]:
    """Around everything that is asked of Redis: it ends within ``seconds``.

    Raises:
        QueueUnavailableError: in place of whatever the client raises.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except UNREACHABLE as error:
        await _drop(client)
        raise unavailable(error) from error


async def _drop(client: Redis) -> None:
    """Close the idle connections: the next one asks Sentinels or Cluster anew, or finds the Service's new pod."""
    with contextlib.suppress(*UNREACHABLE):
        async with asyncio.timeout(_CLOSE_SECONDS):
            if isinstance(client, RedisCluster):
                await client.aclose()
            else:
                await client.connection_pool.disconnect(inuse_connections=False)


def open_client(url: str) -> Redis:
    """A client for ``url``; nothing is sent yet. A Cluster's is one too for what the queue uses of it.

    Raises:
        AddressError: a URL that cannot be used.
    """
    address = read_address(url)
    if address.form == "cluster":
        return cast("Redis", _cluster(address))
    pool = _sentinel_pool(address) if address.form == "sentinel" else _pool(address)
    return Redis.from_pool(pool)


def check_url(url: str) -> None:
    """Raise AddressError where no connection can be made of ``url``, or a file that it names cannot be used."""
    address = read_address(url)
    if address.tls:
        try:
            SSLConnection(**_tls(address)).ssl_context.get()
        except (RedisError, OSError, ValueError) as error:
            # OpenSSL names no file, and what was given may be anything.
            raise AddressError("the files or ciphers of its ssl_ options cannot be used") from error


def _pool(address: Address) -> ConnectionPool:
    if address.form == "unix":
        return ConnectionPool(connection_class=UnixConnection, path=address.socket, **_common(address, ANSWER_SECONDS))
    [(host, port)] = address.hosts
    kind = SSLConnection if address.tls else Connection
    return ConnectionPool(
        connection_class=kind, host=host, port=port, **_common(address, ANSWER_SECONDS), **_tls(address)
    )


class _MasterPool(SentinelConnectionPool):
    """Connections to whichever server the Sentinels name; it closes those to the Sentinels too."""

    async def aclose(self) -> None:
        await super().aclose()
        for sentinel in self.sentinel_manager.sentinels:
            await sentinel.aclose()


def _sentinel_pool(address: Address) -> ConnectionPool:
    to_sentinels = {
        **_limits(ONE_OF_SEVERAL_SECONDS, ONE_OF_SEVERAL_SECONDS),
        **_tls(address),
        "ssl": address.tls,
        "username": address.sentinel_username,
        "password": address.sentinel_password,
    }
    # The client has no types here.
    sentinels: Any = Sentinel
    pool: Any = _MasterPool
    found: ConnectionPool = pool(
        address.master,
        sentinels(address.hosts, sentinel_kwargs=to_sentinels),
        is_master=True,
        ssl=address.tls,
        **_common(address, ANSWER_SECONDS),
        **_tls(address),
    )
    return found


def _cluster(address: Address) -> RedisCluster:
    common = _common(address, 2 * ONE_OF_SEVERAL_SECONDS) | {"socket_connect_timeout": ONE_OF_SEVERAL_SECONDS}
    return RedisCluster(
        startup_nodes=[ClusterNode(host, port) for host, port in address.hosts],
        # All keys lie on one slot: what befalls the others is no matter.
        require_full_coverage=False,
        # Names that stay, where the nodes' own addresses change with their pods.
        dynamic_startup_nodes=False,
        ssl=address.tls,
        **common,
        **_tls(address),
    )


def _common(address: Address, answer: float) -> dict[str, Any]:
    options = _limits(CONNECT_SECONDS, answer)
    return options | {"db": address.database, "username": address.username, "password": address.password}


def _limits(connect: float, answer: float) -> dict[str, Any]:
    return {
        "decode_responses": True,
        "socket_connect_timeout": connect,
        "socket_timeout": answer,
        "retry": Retry(NoBackoff(), 0),
        "max_connections": _MOST_CONNECTIONS,
        "protocol": 2,
        # CLIENT SETINFO is no more than a name, and one more right to grant.
        "driver_info": None,
    }


def _tls(address: Address) -> dict[str, Any]:
    if not address.tls:
        return {}
    options: dict[str, Any] = dict(address.options)
    verified = options.get("ssl_cert_reqs") != "none"
    options["ssl_check_hostname"] = verified and options.get("ssl_check_hostname") != "false"
    if version := options.pop("ssl_min_version", None):
        options["ssl_min_version"] = ssl.TLSVersion[version.replace(".", "_")]
    return options
