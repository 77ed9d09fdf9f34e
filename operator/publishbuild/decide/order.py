"""The order of the queue: namespaces in turn, of each its overdue builds, then priority, then age. Decided here alone.

A waiting build is a text, its member, that reads ``namespace:UUUU:SSSSSSSSSSS:TTTTTTTTTTTTTTTTT:uid:key``: urgency
(lower is earlier), second of creation, microsecond of entering (the API server's creation time has whole seconds only),
then what `choose` needs to know. Redis sorts members by their bytes and so does Python, so the members of one namespace
stand in line as they are. Neither a namespace nor a uid holds a colon; a concurrency key may, so it stands last.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from publishbuild.names import slot_of

_HIGHEST_PRIORITY = 1000
# Urgencies: of an overdue build, and of one of priority 0.
_OVERDUE, _ORDINARY = "0000", f"{1 + _HIGHEST_PRIORITY:04d}"


def member(
    *,
    priority: int,
    created: datetime,
    entered: datetime,
    uid: str,
    namespace: str,
    key: str | None,
    overdue: bool = False,
) -> str:
    """The text by which a waiting build is ordered and chosen; an ``overdue`` one is the first of its namespace."""
    urgency = _OVERDUE if overdue else f"{1 + _HIGHEST_PRIORITY - priority:04d}"
    microseconds = round(entered.timestamp() * 1_000_000)
    return f"{namespace}:{urgency}:{int(created.timestamp()):011d}:{microseconds:017d}:{uid}:{key or ''}"


class Waiting(NamedTuple):
    """A member, read back. ``age`` sorts builds of one urgency, the oldest first."""

    namespace: str
    urgency: str
    age: str
    uid: str
    key: str

    @classmethod
    def read(cls, text: str) -> Waiting:
        """From the text that `member` made."""
        namespace, urgency, created, entered, uid, key = text.split(":", 5)
        return cls(namespace, urgency, f"{created}:{entered}:{uid}", uid, key)

    @property
    def entered(self) -> datetime:
        """When the build entered the queue."""
        return datetime.fromtimestamp(int(self.age.split(":")[1]) / 1_000_000, UTC)

    @property
    def slot(self) -> str | None:
        """``namespace:key`` of its concurrency key, None without one."""
        return slot_of(self.namespace, self.key)


@dataclass(frozen=True, slots=True)
class Room:
    """How many builds may start now, and whose turn it is.

    ``namespace_limit`` 0 is no limit; ``running`` counts occupied places by namespace; ``busy`` holds ``namespace:key``
    of each concurrency key that a build occupies. ``turns`` names the namespaces that may launch, each with a number
    that grows with the time of its last launch, 0 for none yet; one that it does not name is paused. ``ranked`` are the
    namespaces whose builds' priority counts against those of other namespaces. The last ``reserved`` of ``places`` go
    only to namespaces that have nothing running.
    """

    places: int
    namespace_limit: int
    running: Mapping[str, int]
    busy: Collection[str]
    turns: Mapping[str, int]
    ranked: Collection[str] = ()
    reserved: int = 0


def choose(members: Iterable[str], room: Room) -> list[str]:
    """Uids of the builds that may start, first first. `build_queue/turn.lua` gives the same answer.

    Again and again the namespace that launched longest ago launches its first build that may start: an overdue one,
    else the one of the highest priority, else the oldest. So one that floods the queue shares the places with one that
    has a single build. Only while no first build is overdue, those of ``ranked`` namespaces go before or behind others'
    by their priority, which counts as 0 in every other namespace.
    """
    running, busy = dict(room.running), set(room.busy)
    lines = {namespace: _may_start(line, busy) for namespace, line in _by_namespace(members, room.turns).items()}
    latest = max(room.turns.values(), default=0)
    heads, free = _Heads(room.ranked), room.places

    def step_forward(namespace: str, turn: int) -> None:
        runs = running.get(namespace, 0)
        full = (room.namespace_limit and runs >= room.namespace_limit) or (runs and free <= room.reserved)
        head = None if full else next(lines[namespace], None)
        if head is not None:
            heads.push(turn, head)

    for namespace in lines:
        step_forward(namespace, room.turns[namespace])
    chosen: list[str] = []
    while heads.entries and free > 0:
        first = heads.pop()
        chosen.append(first.uid)
        free -= 1
        running[first.namespace] = running.get(first.namespace, 0) + 1
        if first.slot:
            busy.add(first.slot)
        latest += 1
        if free and free == room.reserved:
            heads.keep(lambda head: not running.get(head.namespace, 0))
        step_forward(first.namespace, latest)
    return chosen


class _Heads:
    """The first build of each namespace's line, by whose turn it is.

    A line holds its overdue builds first, so once no head is overdue none will be: from there on ``ranked`` counts.
    """

    def __init__(self, ranked: Collection[str]) -> None:
        self._ranked = ranked
        self.entries: list[tuple[str, int, str, Waiting]] = []
        # Counted where it matters alone.
        self._overdue = 0
        self._by_rank = False

    def push(self, turn: int, head: Waiting) -> None:
        """One steps forward."""
        rank = self._rank(head) if self._by_rank else _ORDINARY
        if self._ranked:
            self._overdue += head.urgency == _OVERDUE
        heapq.heappush(self.entries, (rank, turn, head.age, head))

    def pop(self) -> Waiting:
        """The next one."""
        if not self._ranked:
            return heapq.heappop(self.entries)[-1]
        if not self._by_rank and not self._overdue:
            self._by_rank = True
            self.entries = [(self._rank(head), turn, age, head) for _, turn, age, head in self.entries]
            heapq.heapify(self.entries)
        *_, first = heapq.heappop(self.entries)
        self._overdue -= first.urgency == _OVERDUE
        return first

    def keep(self, may_start: Callable[[Waiting], bool]) -> None:
        """Leave out those that may not start any more."""
        self.entries = [entry for entry in self.entries if may_start(entry[-1])]
        heapq.heapify(self.entries)
        self._overdue = sum(head.urgency == _OVERDUE for *_, head in self.entries)

    def _rank(self, head: Waiting) -> str:
        return head.urgency if head.namespace in self._ranked else _ORDINARY


def order(members: Iterable[str], turns: Mapping[str, int], ranked: Collection[str] = ()) -> list[str]:
    """Uids of all builds of the namespaces of ``turns`` in the order in which they would start were there room for all.

    Neither limits nor concurrency keys count: a build that these hold back is passed by those behind it.
    """
    line = [_without_key(text) for text in members]
    room = Room(places=len(line), namespace_limit=0, running={}, busy=(), turns=turns, ranked=ranked)
    return choose(line, room) if turns else []


def _without_key(text: str) -> str:
    return ":".join((*text.split(":", 5)[:5], ""))


def _by_namespace(members: Iterable[str], turns: Mapping[str, int]) -> dict[str, list[str]]:
    lines: dict[str, list[str]] = {}
    for text in sorted(members):
        namespace = text.partition(":")[0]
        if namespace in turns:
            lines.setdefault(namespace, []).append(text)
    return lines


def _may_start(line: Iterable[str], busy: set[str]) -> Iterator[Waiting]:
    """Those of one namespace whose key is free when they are reached; a busy key stays busy for this choice."""
    for waiting in map(Waiting.read, line):
        if waiting.slot not in busy:
            yield waiting
