"""Promise 6 at the end of a run: the operators are well, one of them leads, and nothing is left in the index."""

from __future__ import annotations

import time
from collections.abc import Sequence

import redis.asyncio

from tests.faults.fault_box import pause
from tests.faults.operators import Operator
from tests.support.redis_process import RedisProcess

SETTLE_SECONDS = 45.0


async def what_is_wrong(operators: Sequence[Operator], redis_process: RedisProcess) -> list[str]:
    """What is still wrong after `SETTLE_SECONDS`, in sentences; empty as soon as nothing is."""
    wrong: list[str] = []
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        wrong = await _complaints(operators, redis_process)
        if not wrong:
            return []
        await pause(0.1)
    return [f"{SETTLE_SECONDS:.0f} s after the end {said}" for said in wrong]


async def _complaints(operators: Sequence[Operator], redis_process: RedisProcess) -> list[str]:
    wrong: list[str] = []
    leaders = [operator for operator in operators if await operator.metric("publishbuild_leader") == 1]
    for operator in operators:
        if await operator.get("/healthz") != 200:
            wrong.append(f"{operator.writer} is not healthy")
        if await operator.get("/readyz") != 200:
            wrong.append(f"{operator.writer} is not ready")
    if len(leaders) != 1:
        wrong.append(f"{len(leaders)} operators lead")
    elif await leaders[0].metric("publishbuild_redis_up") != 1:
        wrong.append("the leader says that Redis is not up")
    if not await _queue_is_empty(redis_process):
        wrong.append("the index in Redis still holds builds")
    return wrong


async def _queue_is_empty(redis_process: RedisProcess) -> bool:
    """Whether nobody waits and nobody holds a claim in the index."""
    async with redis.asyncio.Redis.from_url(redis_process.url, decode_responses=True) as client:
        counts = [
            await client.zcard("{publishbuild}:waiting"),
            await client.zcard("{publishbuild}:claims"),
            await client.hlen("{publishbuild}:members"),
        ]
    return counts == [0, 0, 0]
