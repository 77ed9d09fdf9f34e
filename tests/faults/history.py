"""What was seen of one run, from outside the operator: the judge's whole input. Pure data.

Revisions are the API server's (etcd's): they order all changes of all objects in all namespaces.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class JobSeen:
    """One change of a Job. ``verdict``: "" while live, "Complete", or the reason of its Failed condition."""

    revision: int
    namespace: str
    build: str
    uid: str
    verdict: str = ""
    deleted: bool = False
    key: str = ""
    deleting: bool = False


@dataclass(frozen=True, slots=True)
class BuildSeen:
    """One change of a PublishBuild."""

    revision: int
    namespace: str
    name: str
    uid: str
    status: Object
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """One write of an operator process, as it passed its proxy. ``order`` counts all of a run.

    ``revision`` is the object's after the write, None where it was refused, lost or has none.
    ``holder`` is what a write to the Lease put there.
    """

    order: int
    writer: str
    point: str
    namespace: str
    build: str
    revision: int | None = None
    holder: str | None = None


@dataclass(frozen=True, slots=True)
class Exit:
    """One end of an operator process. ``asked``: "kill", "term" or "" where it ended by itself."""

    writer: str
    code: int
    asked: str
    gave_up_leading: bool
    seconds: float = 0.0


@dataclass(slots=True)
class History:
    """Everything that was seen.

    ``harmed``: builds whose own requests met a fault. ``unfinished``, ``end``: in sentences, what was not well
    at the end. ``watches_opened`` through the proxies; ``suite_errors``: what broke in the suite itself.
    """

    namespaces: tuple[str, ...] = ()
    jobs: list[JobSeen] = field(default_factory=list)
    builds: list[BuildSeen] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    exits: list[Exit] = field(default_factory=list)
    injected: Counter[str] = field(default_factory=Counter)
    harmed: set[str] = field(default_factory=set)
    unfinished: list[str] = field(default_factory=list)
    end: list[str] = field(default_factory=list)
    watches_opened: int = 0
    suite_errors: list[str] = field(default_factory=list)
