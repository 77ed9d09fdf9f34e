"""What is done at a moment of a run: to the real Redis, to the way to the API server, to the operator that leads."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import redis.asyncio

from tests.faults.fault_box import pause
from tests.faults.operators import Operator
from tests.faults.plan import Harm, MomentFault
from tests.support.redis_process import RedisProcess

_LEADER_SECONDS = 30.0


class Harms:
    """Does harm, and takes it back; returns once it is taken back."""

    def __init__(self, redis_process: RedisProcess, operators: list[Operator]) -> None:
        self._redis, self._operators = redis_process, operators
        self._redis_harms: dict[Harm, Callable[[float], Awaitable[None]]] = {
            Harm.FLUSH: self._flush,
            Harm.LOSE_HALF: self._lose_half,
            Harm.RESTART: self._restart,
            Harm.OOM: self._oom,
            Harm.READONLY: self._readonly,
            Harm.NOAUTH: self._noauth,
            Harm.PAUSE: self._pause,
            Harm.STOP: self._stop,
            Harm.REFUSE: self._refuse,
        }
        # One at a time: Redis cannot be told anything while it is stopped.
        self._redis_lock = asyncio.Lock()

    async def do(self, fault: MomentFault) -> bool:
        """Whether it was done: nobody may lead just then."""
        if fault.harm in self._redis_harms:
            async with self._redis_lock:
                await self._redis_harms[fault.harm](fault.seconds)
            return True
        if fault.harm is Harm.API_OUTAGE:
            await self._cut_off(self._operators, fault.seconds)
            return True
        leader = await self._leader()
        if leader is None:
            return False
        match fault.harm:
            case Harm.KILL_LEADER:
                await leader.kill()
            case Harm.TERM_LEADER:
                leader.terminate()
            case Harm.FREEZE_LEADER:
                await self._freeze(leader, fault.seconds)
            case Harm.PARTITION_LEADER:
                await self._cut_off([leader], fault.seconds)
        return True

    async def _leader(self) -> Operator | None:
        """The one that leads, once one does; None where that takes too long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LEADER_SECONDS):
                while True:
                    for operator in self._operators:
                        if await operator.metric("publishbuild_leader") == 1:
                            return operator
                    await pause(0.1)
        return None

    async def _cut_off(self, operators: list[Operator], seconds: float) -> None:
        for operator in operators:
            operator.api.cut_off()
        await pause(seconds)
        for operator in operators:
            operator.api.restore()

    async def _freeze(self, leader: Operator, seconds: float) -> None:
        process = leader.process
        assert process is not None
        process.freeze()
        await pause(seconds)
        process.thaw()

    async def _flush(self, _: float) -> None:
        await asyncio.to_thread(self._redis.flush)

    async def _lose_half(self, _: float) -> None:
        async with self._client() as client:
            await client.delete("{publishbuild}:waiting", "{publishbuild}:claims")

    async def _restart(self, seconds: float) -> None:
        await asyncio.to_thread(self._redis.stop)
        await pause(seconds)
        await asyncio.to_thread(self._redis.start)

    async def _oom(self, seconds: float) -> None:
        async with self._client() as client:
            await client.config_set("maxmemory", "1")
            await pause(seconds)
            await client.config_set("maxmemory", "0")

    async def _readonly(self, seconds: float) -> None:
        async with self._client() as client:
            await client.execute_command("REPLICAOF", "127.0.0.1", "1")
            await pause(seconds)
            await client.execute_command("REPLICAOF", "NO", "ONE")

    async def _noauth(self, seconds: float) -> None:
        async with self._client() as client:
            await client.config_set("requirepass", "not-for-the-operator")
            # Those that were let in before stay in, so they are sent away; this one is not.
            await client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            await pause(seconds)
            await client.config_set("requirepass", "")

    async def _pause(self, seconds: float) -> None:
        async with self._client() as client:
            await client.execute_command("CLIENT", "PAUSE", str(round(seconds * 1000)), "ALL")
        await pause(seconds)

    async def _stop(self, seconds: float) -> None:
        self._redis.freeze()
        await pause(seconds)
        self._redis.thaw()

    async def _refuse(self, seconds: float) -> None:
        for operator in self._operators:
            operator.redis.refuse()
        await pause(seconds)
        for operator in self._operators:
            operator.redis.restore()

    def _client(self) -> Any:
        # One connection, that stays: a new one would be refused where a password is wanted.
        return redis.asyncio.Redis.from_url(self._redis.url, decode_responses=True, single_connection_client=True)
