"""From a seed to a plan: the same seed always gives the same one. Pure."""

from __future__ import annotations

import random

from tests.faults.naming import WATCHED, WRITES
from tests.faults.plan import Act, BuildPlan, Do, Harm, MomentFault, Outcome, Plan, PointFault, UserAct, When

_BEFORE = (Do.KILL, Do.LOSE, Do.SLOW, Do.CONFLICT, Do.TOO_MANY, Do.ERROR, Do.TIMEOUT)
_AFTER = (Do.KILL, Do.KILL, Do.LOSE, Do.LOSE, Do.ERROR, Do.TIMEOUT, Do.SLOW)
_EVENT = (Do.DROP, Do.DOUBLE, Do.REORDER, Do.CUT, Do.SILENCE, Do.GONE)
_REDIS_POINT = (Do.KILL, Do.LOSE, Do.CUT, Do.SLOW)
# Each end of a leader by surprise costs the ten seconds of its lease.
_MOST_ENDS = 2
_ENDS = (Do.KILL,)
_LEADER = (Harm.KILL_LEADER, Harm.TERM_LEADER, Harm.FREEZE_LEADER, Harm.PARTITION_LEADER, Harm.API_OUTAGE)
_REDIS = tuple(harm for harm in Harm if harm.value.startswith("redis"))


def plan_of(seed: int) -> Plan:
    """The plan of a seed."""
    dice = random.Random(seed)  # noqa: S311  # replayable on purpose
    namespaces = dice.randint(2, 3)
    operators = dice.choice((1, 1, 2))
    builds = _builds(dice, namespaces)
    acts = [act for build in builds for act in _acts(dice, build)]
    moments = _moments(dice, operators)
    lasting = sum(1 for moment in moments if moment.harm in _LEADER and moment.harm is not Harm.TERM_LEADER)
    points = _points(dice, ends_left=_MOST_ENDS - lasting)
    return Plan(
        title=f"seed {seed}",
        builds=tuple(builds),
        acts=tuple(acts),
        points=tuple(points),
        moments=tuple(moments),
        namespaces=namespaces,
        operators=operators,
        limit=dice.randint(2, 4),
        namespace_limit=dice.choice((0, 0, 2)),
        direct=dice.random() < 0.3,
        restart_seconds=dice.choice((0.2, 0.2, 2.0)),
        restarts_at_end=dice.random() < 0.5,
    )


def _builds(dice: random.Random, namespaces: int) -> list[BuildPlan]:
    cancels_previous = dice.random() < 0.5
    made = [_build(dice, number, namespaces) for number in range(dice.randint(9, 12))]
    made += [_special(dice, f"s{number}", namespaces) for number in range(3)]
    for number in range(dice.choice((0, 2, 3))):
        made.append(
            BuildPlan(
                0, f"k{number}", seconds=0.5, key="app", cancel_previous=cancels_previous, at=dice.choice((0, 0, 2))
            )
        )
    return made


def _build(dice: random.Random, number: int, namespaces: int) -> BuildPlan:
    """One that ends by itself, and that nothing but its turn keeps waiting."""
    outcome = dice.choice((Outcome.SUCCEED,) * 7 + (Outcome.FAIL, Outcome.GIVE_UP))
    return BuildPlan(
        namespace=dice.randrange(namespaces),
        name=f"b{number}",
        outcome=outcome,
        seconds=dice.choice((0.2, 0.5, 1.0)),
        priority=dice.choice((-10, 0, 0, 10, 100)),
        ttl=dice.choice((None, None, 0, 2)),
        at=dice.choice((0, 0, 0, 1, 3)),
    )


def _special(dice: random.Random, name: str, namespaces: int) -> BuildPlan:
    """One whose life is not plain: it retries, runs out of time, is stopped, or somebody lays a hand on it."""
    where, at = dice.randrange(namespaces), dice.choice((0, 1))
    match dice.choice(("retry", "deadline", "queue", "hold", "suspended", "touched")):
        case "retry":
            return BuildPlan(where, name, Outcome.RETRY, priority=50, backoff_limit=2)
        case "deadline":
            return BuildPlan(where, name, Outcome.HOLD, run_timeout=2, at=at)
        case "queue":
            return BuildPlan(where, name, queue_timeout=dice.choice((1, 4, 8)), priority=-100, at=at)
        case "hold":
            return BuildPlan(where, name, Outcome.HOLD, ttl=dice.choice((None, 0)), at=at)
        case "suspended":
            return BuildPlan(where, name, suspended=True, at=at)
    return BuildPlan(where, name, seconds=1.5, at=at)


def _acts(dice: random.Random, build: BuildPlan) -> list[UserAct]:
    at = build.at + dice.randint(1, 3)
    if not build.name.startswith("s"):
        return [UserAct(Act.PRIORITIZE, build.name, at)] if dice.random() < 0.08 else []
    if build.outcome is Outcome.HOLD and build.run_timeout is None:
        return [UserAct(dice.choice((Act.CANCEL, Act.DELETE_JOB)), build.name, at)]
    if build.suspended:
        return [UserAct(Act.RESUME, build.name, at)]
    if build.outcome is Outcome.SUCCEED and build.queue_timeout is None:
        return [UserAct(dice.choice((Act.CANCEL, Act.DELETE_BUILD, Act.DELETE_JOB, Act.DELETE_POD)), build.name, at)]
    return []


def _points(dice: random.Random, ends_left: int) -> list[PointFault]:
    found: list[PointFault] = []

    def one(point: str, when: When, actions: tuple[Do, ...], nth: int) -> None:
        do = dice.choice(actions)
        if do in _ENDS and sum(1 for fault in found if fault.do in _ENDS) >= ends_left:
            do = Do.LOSE if Do.LOSE in actions else Do.CUT
        times = dice.choice((1, 1, 3)) if do in (Do.ERROR, Do.TIMEOUT, Do.TOO_MANY, Do.CONFLICT) else 1
        seconds = dice.choice((1.0, 3.0)) if do is Do.SLOW else 0.0
        found.append(PointFault(point, when, do, nth=nth, times=times, seconds=seconds))

    for _ in range(dice.randint(3, 5)):
        when = dice.choice((When.BEFORE, When.AFTER))
        point = dice.choice((*WRITES, "create job", "write status"))
        nth = dice.randint(1, 2) if point in ("delete job", "set ttl") else dice.randint(1, 8)
        one(point, when, _BEFORE if when is When.BEFORE else _AFTER, nth)
    for _ in range(dice.randint(1, 3)):
        one(f"event {dice.choice(WATCHED)}", When.BEFORE, _EVENT, dice.randint(1, 20))
    if dice.random() < 0.5:
        one(f"list {dice.choice(WATCHED)}", When.BEFORE, (Do.GONE, Do.ERROR, Do.TOO_MANY, Do.LOSE), dice.randint(1, 6))
    if dice.random() < 0.5:
        one(
            f"watch {dice.choice(WATCHED)}",
            When.BEFORE,
            (Do.GONE, Do.ERROR, Do.TOO_MANY, Do.CUT, Do.SILENCE),
            dice.randint(1, 4),
        )
    if dice.random() < 0.3:
        one(f"get {dice.choice(('jobs', 'publishbuilds'))}", When.BEFORE, (Do.ERROR, Do.LOSE, Do.TIMEOUT), 1)
    for _ in range(dice.randint(0, 2)):
        point = dice.choice(("turn", "turn", "rebuild"))
        nth = dice.randint(1, 2) if point == "rebuild" else dice.randint(1, 8)
        one(point, dice.choice((When.BEFORE, When.AFTER)), _REDIS_POINT, nth)
    return found


def _moments(dice: random.Random, operators: int) -> list[MomentFault]:
    found = [
        MomentFault(dice.choice(_REDIS), dice.randint(0, 7), dice.choice((0.5, 2.0, 4.0, 7.0)))
        for _ in range(dice.randint(1, 2))
    ]
    if operators == 2 or dice.random() < 0.4:
        harm = dice.choice(_LEADER)
        seconds = dice.choice((1.0, 4.0, 8.0)) if harm is Harm.API_OUTAGE else 13.0
        found.append(MomentFault(harm, dice.randint(1, 6), seconds))
    return found
