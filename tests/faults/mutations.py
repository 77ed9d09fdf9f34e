"""Ways to break the operator, one at a time, each with a plan in which that must be seen.

An edit is an exact text of one file and what stands in its place; it must be found once, else the self-test fails:
somebody has changed the source, and must say here how it is broken now.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.faults.plan import BuildPlan, Do, Harm, MomentFault, Plan, PointFault, When


@dataclass(frozen=True, slots=True)
class Edit:
    """``old`` in the package's ``file`` becomes ``new``."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mutation:
    """One thing that is broken, and the promises of which the judge must then name at least one."""

    name: str
    edits: tuple[Edit, ...]
    plan: Plan
    promises: frozenset[int]


def _builds(
    count: int, *, seconds: float = 1.0, ttl: int | None = None, key: str | None = None
) -> tuple[BuildPlan, ...]:
    return tuple(BuildPlan(0, f"b{number}", seconds=seconds, ttl=ttl, key=key) for number in range(count))


_QUICK = Plan(title="directed", builds=_builds(6), limit=2, end_seconds=20.0)
# No watch tells of Jobs, and no list comes soon: what the operator knows of them it must ask for.
_BLIND = PointFault("watch jobs", When.BEFORE, Do.SILENCE, times=100)
_LOST_CREATE = PointFault("create job", When.AFTER, Do.LOSE)

MUTATIONS = (
    Mutation(
        "the Job's name is random",
        (
            Edit(
                "decide/job_manifest.py",
                '"name": names.job_name(name, uid),',
                '"name": names.job_name(name, uid) + "-" + __import__("secrets").token_hex(2),',
            ),
            Edit("decide/facts.py", 'metadata["name"] == job_name(name, uid)', "True"),
        ),
        replace(_QUICK, builds=_builds(2), points=(_BLIND, _LOST_CREATE), resync_seconds=3.0),
        frozenset({1}),
    ),
    Mutation(
        "live Jobs occupy no place",
        (Edit("build_queue/places.py", "Counter(live.by_namespace)", "Counter[str]()"),),
        _QUICK,
        frozenset({3}),
    ),
    Mutation(
        "claims occupy no place",
        (
            Edit(
                "build_queue/places.py",
                "[waiting for uid, waiting in self._claims.items() if self._jobs.job(uid) is None]",
                "[]",
            ),
        ),
        replace(
            _QUICK,
            builds=_builds(4, seconds=6.0),
            points=(PointFault("create job", When.BEFORE, Do.SLOW, times=4, seconds=3.0),),
        ),
        frozenset({3}),
    ),
    Mutation(
        "a busy concurrencyKey is not looked at",
        (Edit("build_queue/turn.lua", "if not (slot and busy[slot]) then", "if true then"),),
        replace(_QUICK, builds=_builds(4, key="app")),
        frozenset({3}),
    ),
    Mutation(
        "low priorities go first",
        (Edit("decide/order.py", "{1 + _HIGHEST_PRIORITY - priority:04d}", "{1 + _HIGHEST_PRIORITY + priority:04d}"),),
        replace(
            _QUICK,
            builds=tuple(BuildPlan(0, f"b{number}", seconds=0.2, priority=number * 10) for number in range(6)),
            limit=1,
        ),
        frozenset({4}),
    ),
    Mutation(
        "a stale index is never rebuilt",
        (
            Edit(
                "dispatcher.py",
                'is gone or not ours: rebuilding it from the resources")\n            self._stale = True\n',
                'is gone or not ours: rebuilding it from the resources")\n',
            ),
        ),
        replace(_QUICK, moments=(MomentFault(Harm.FLUSH, at=2),)),
        frozenset({2}),
    ),
    Mutation(
        "the lease is not looked at before acting",
        (
            Edit(
                "leadership.py",
                "return self._renewed is not None and self._clock() - self._renewed < RENEW_DEADLINE_SECONDS",
                "return self._renewed is not None",
            ),
            Edit("cluster/objects.py", "if not self._may_write():", "if False:"),
        ),
        replace(
            _QUICK,
            builds=_builds(24),
            operators=2,
            points=(PointFault("renew lease", When.BEFORE, Do.LOSE, nth=4, times=1000, by="op-a"),),
            end_seconds=60.0,
        ),
        frozenset({9}),
    ),
    Mutation(
        "a terminal status is decided again",
        (
            Edit(
                "decide/next_actions.py",
                "    if build.status.is_terminal:\n",
                "    if build.status.is_terminal and facts.job is not None:\n",
            ),
            # An ended build whose Job is gone is not even looked at.
            Edit("reconcile.py", "return record.is_settled and ", "return False and record.is_settled and "),
        ),
        replace(_QUICK, builds=(*_builds(3, seconds=0.2, ttl=0), BuildPlan(0, "last", seconds=6.0)), limit=4),
        frozenset({5}),
    ),
    Mutation(
        "the Job has its TTL from the start",
        (
            Edit(
                "decide/job_manifest.py",
                '"backoffLimit": spec.backoff_limit,',
                '"backoffLimit": spec.backoff_limit, "ttlSecondsAfterFinished": spec.ttl_seconds_after_finished,',
            ),
        ),
        replace(
            _QUICK,
            builds=_builds(3, seconds=0.2, ttl=0),
            limit=1,
            points=(PointFault("create job", When.AFTER, Do.KILL, nth=2),),
            end_seconds=40.0,
        ),
        frozenset({1, 5}),
    ),
    Mutation(
        "a Job that was asked for without an answer is not looked for",
        (Edit("launching.py", "self._unsure.add(build.uid)", "pass"),),
        replace(
            _QUICK,
            builds=(BuildPlan(0, "first"), BuildPlan(0, "late", seconds=0.2, queue_timeout=4, at=1)),
            points=(
                _BLIND,
                # The late one comes when kopf's own first list is over.
                PointFault("create job", When.BEFORE, Do.SLOW, seconds=4.0, only="first"),
                PointFault("create job", When.AFTER, Do.LOSE, only="late"),
                PointFault("create job", When.BEFORE, Do.LOSE, nth=2, times=100, only="late"),
            ),
            resync_seconds=25.0,
        ),
        frozenset({5}),
    ),
    Mutation(
        "a look that failed is not repeated",
        (Edit("bells.py", "self.ring_after(uid, wait, first=self._running[uid])", "pass"),),
        replace(
            _QUICK,
            builds=(BuildPlan(0, "only"),),
            points=(PointFault("create job", When.BEFORE, Do.ERROR, times=5),),
            resync_seconds=300.0,
        ),
        frozenset({2}),
    ),
    Mutation(
        "nothing is listed again",
        (Edit("cluster/resync.py", "if self._clock() >= due:", "if False:"),),
        replace(_QUICK, builds=_builds(3), points=(_BLIND,)),
        frozenset({2}),
    ),
)
