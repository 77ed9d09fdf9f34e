"""The order of the queue, as text: Redis sorts members by their bytes, and so does Python.

A member reads ``PPPP:SSSSSSSSSSS:TTTTTTTTTTTTTTTTT:uid:namespace:key``: priority turned around (higher is earlier),
second of creation, microsecond of entering (the API server's creation time has whole seconds only), then what `choose`
needs to know. Neither a uid nor a namespace holds a colon; a concurrency key may, so it stands last.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

_LOWEST_PRIORITY = 1000


def member(*, priority: int, created: datetime, entered: datetime, uid: str, namespace: str, key: str | None) -> str:
    """The text by which a waiting build is ordered and chosen."""
    turned = _LOWEST_PRIORITY - priority
    microseconds = round(entered.timestamp() * 1_000_000)
    return f"{turned:04d}:{int(created.timestamp()):011d}:{microseconds:017d}:{uid}:{namespace}:{key or ''}"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A member, read back."""

    uid: str
    namespace: str
    key: str

    @classmethod
    def read(cls, text: str) -> Waiting:
        """From the text that `member` made."""
        _, _, _, uid, namespace, key = text.split(":", 5)
        return cls(uid=uid, namespace=namespace, key=key)


@dataclass(frozen=True, slots=True)
class Room:
    """How many builds may start now.

    ``namespace_limit`` 0 is no limit; ``running`` counts occupied places by namespace; ``busy`` holds ``namespace:key``
    of each concurrency key that a build occupies.
    """

    places: int
    namespace_limit: int
    running: Mapping[str, int]
    busy: Collection[str]


def choose(members: Iterable[str], room: Room) -> list[str]:
    """Uids of the builds that may start, first first. The Lua script of `build_queue` gives the same answer."""
    running, busy = dict(room.running), set(room.busy)
    chosen: list[str] = []
    for text in sorted(members):
        if len(chosen) >= room.places:
            break
        waiting = Waiting.read(text)
        full = room.namespace_limit and running.get(waiting.namespace, 0) >= room.namespace_limit
        slot = f"{waiting.namespace}:{waiting.key}" if waiting.key else None
        if full or slot in busy:
            continue
        chosen.append(waiting.uid)
        running[waiting.namespace] = running.get(waiting.namespace, 0) + 1
        if slot:
            busy.add(slot)
    return chosen
