"""The queue in Redis: `turn` takes in changes and claims places in one round trip; `rebuild` makes the index anew.

Redis is never the truth. Each operator process owns the index under an epoch of its own: a turn on an index that is
gone, half gone or somebody else's is answered by `StaleIndexError`, and the owner rebuilds it from the resources.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from publishbuild.build_queue.connection import Script, check_url, open_client, reaching
from publishbuild.build_queue.errors import QueueUnavailableError
from publishbuild.decide.order import Room

__all__ = ["QueueUnavailableError", "RedisQueue", "StaleIndexError", "Turn", "check_url"]

# One hash tag, so that a Redis Cluster keeps all four keys on one node and the script stays atomic.
_TAG = "{publishbuild}"
EPOCH, WAITING, MEMBERS, CLAIMS = (f"{_TAG}:{key}" for key in ("epoch", "waiting", "members", "claims"))

CLAIM_SECONDS = 60.0
# Rebuilding sends all that wait, many thousands perhaps.
REBUILD_SECONDS = 15.0
_REBUILD_CHUNK = 2000

_TURN = (Path(__file__).parent / "turn.lua").read_text()


class StaleIndexError(Exception):
    """The index in Redis is not this operator's, or is gone: `RedisQueue.rebuild` is due."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The answer to one turn: the claimed uids in order, and how many builds the index holds, claimed ones included.

    ``held`` is -1 where a part of the index was lost.
    """

    claimed: list[str]
    held: int


class RedisQueue:
    """The index of what waits, under this process's ``epoch``."""

    def __init__(self, url: str, epoch: str) -> None:
        self._redis = open_client(url)
        self._script = Script(self._redis, _TURN)
        self._epoch = epoch

    async def turn(
        self, room: Room, *, now: float, gone: Collection[str] = (), waiting: Mapping[str, str] | None = None
    ) -> Turn:
        """Take in ``gone`` uids and ``waiting`` members, then claim what ``room`` allows.

        ``now`` is in seconds. Doing it twice does no harm: a build is claimed once.

        Raises:
            StaleIndexError: nothing was changed; rebuild, then try again.
            QueueUnavailableError: nobody knows whether it was done; try again.
        """
        arguments: list[str | int | float] = [
            self._epoch,
            round(now * 1000),
            round(CLAIM_SECONDS * 1000),
            room.places,
            room.namespace_limit,
            json.dumps(dict(room.running)),
            json.dumps(sorted(room.busy)),
            json.dumps(dict(room.turns)),
            json.dumps(sorted(gone)),
            json.dumps(dict(waiting or {})),
            json.dumps(sorted(room.ranked)),
            room.reserved,
        ]
        async with reaching(self._redis):
            answer: list[str] = await self._script(keys=[EPOCH, WAITING, MEMBERS, CLAIMS], args=arguments)
        if answer[0] == "stale":
            raise StaleIndexError
        return Turn(claimed=answer[2:], held=int(answer[1]))

    async def rebuild(self, waiting: Mapping[str, str], claimed: Collection[str] = (), *, now: float) -> None:
        """Make the index anew from uid -> member; ``claimed`` ones keep their claim. The epoch is written last.

        ``now`` is in seconds. An index without its epoch counts as stale, so a half made one is never used.

        Raises:
            QueueUnavailableError: the index stays stale.
        """
        async with reaching(self._redis, REBUILD_SECONDS), self._redis.pipeline(transaction=False) as pipe:
            pipe.delete(EPOCH, WAITING, MEMBERS, CLAIMS)
            for chunk in _chunks(waiting.items()):
                pipe.hset(MEMBERS, mapping=dict(chunk))
                in_line = {member: 0 for uid, member in chunk if uid not in claimed}
                if in_line:
                    pipe.zadd(WAITING, in_line)
            if claimed:
                pipe.zadd(CLAIMS, dict.fromkeys(claimed, round((now + CLAIM_SECONDS) * 1000)))
            pipe.set(EPOCH, self._epoch)
            await pipe.execute()

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()


def _chunks(pairs: Iterable[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    rest = iter(pairs)
    while chunk := list(islice(rest, _REBUILD_CHUNK)):
        yield chunk
