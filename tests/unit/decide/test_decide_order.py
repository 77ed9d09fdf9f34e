"""The order of the queue and who may start: namespaces in turn, then priority and age; limits and keys hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from publishbuild.decide.order import Room, Waiting, choose, member, order
from tests.builders import NOW

NAMESPACES = ("a", "b", "shop-1")
KEYS = (None, "k", "prod:ios", "ключ")


def a_member(
    uid: str,
    *,
    priority: int = 0,
    age: float = 0,
    entered: float | None = None,
    namespace: str = "a",
    key: str | None = None,
    overdue: bool = False,
) -> str:
    """A member made ``age`` seconds before NOW."""
    created = NOW - timedelta(seconds=age)
    return member(
        priority=priority,
        created=created,
        entered=created if entered is None else NOW + timedelta(seconds=entered),
        uid=uid,
        namespace=namespace,
        key=key,
        overdue=overdue,
    )


def wide(*namespaces: str, places: int = 100, reserved: int = 0, ranked: Collection[str] = (), **turns: int) -> Room:
    """Room for all; ``namespaces`` have not launched any yet, ``turns`` have."""
    begin = dict.fromkeys(namespaces, 0) | turns
    return Room(places=places, namespace_limit=0, running={}, busy=(), turns=begin, ranked=ranked, reserved=reserved)


@st.composite
def lines(draw: st.DrawFn) -> list[str]:
    """Members of a queue, uids distinct."""
    count = draw(st.integers(min_value=0, max_value=12))
    return [
        a_member(
            f"uid-{n}",
            priority=draw(st.sampled_from([-1000, -1, 0, 0, 5, 1000])),
            age=draw(st.integers(min_value=0, max_value=3)),
            namespace=draw(st.sampled_from(NAMESPACES)),
            key=draw(st.sampled_from(KEYS)),
            overdue=draw(st.booleans()),
        )
        for n in range(count)
    ]


rooms = st.builds(
    Room,
    places=st.integers(min_value=0, max_value=8),
    namespace_limit=st.integers(min_value=0, max_value=3),
    running=st.dictionaries(st.sampled_from(NAMESPACES), st.integers(min_value=0, max_value=3)),
    busy=st.sets(st.sampled_from(["a:k", "b:prod:ios", "shop-1:ключ"])),
    turns=st.dictionaries(st.sampled_from(NAMESPACES), st.integers(min_value=0, max_value=9)),
    ranked=st.sets(st.sampled_from(NAMESPACES)),
    reserved=st.integers(min_value=0, max_value=4),
)
WIDE = wide("a")


@given(
    st.integers(min_value=-1000, max_value=1000),
    st.integers(min_value=-1000, max_value=1000),
    st.integers(min_value=0, max_value=100_000),
    st.integers(min_value=0, max_value=100_000),
)
def test_priority_comes_before_age(one: int, other: int, age: int, other_age: int) -> None:
    """Within a namespace a higher priority is always earlier; among equals the older is."""
    first, second = a_member("x", priority=one, age=age), a_member("y", priority=other, age=other_age)
    expected = sorted([((-one, -age), first), ((-other, -other_age), second)])
    if (one, age) != (other, other_age):
        assert sorted([first, second]) == [text for _, text in expected]


def test_builds_of_one_second_keep_the_order_in_which_they_came() -> None:
    """Creation has whole seconds only; the moment of entering decides among those of one second."""
    members = [a_member("z", entered=0.000001), a_member("y", entered=0.000002), a_member("x", entered=0.5)]
    assert choose(reversed(members), WIDE) == ["z", "y", "x"]


def test_a_late_look_does_not_lose_its_age() -> None:
    """An older build that the operator saw later still goes first."""
    assert choose([a_member("new", age=1, entered=0), a_member("old", age=2, entered=9)], WIDE) == ["old", "new"]


def test_an_overdue_build_goes_before_every_priority() -> None:
    """Within a namespace one that waited longer than the aging time goes first; among those the oldest does."""
    line = [a_member("high", priority=1000), a_member("late", age=9, overdue=True)]
    assert choose([*line, a_member("later", age=99, priority=-1000, overdue=True)], WIDE) == ["later", "late", "high"]


def test_namespaces_take_turns() -> None:
    """Each namespace launches one in turn, however many one of them has."""
    flood = [a_member(f"a{n}", namespace="a", age=100 - n) for n in range(4)]
    line = [*flood, a_member("b0", namespace="b", age=1), a_member("b1", namespace="b"), a_member("c0", namespace="c")]
    assert choose(line, wide("a", "b", "c")) == ["a0", "b0", "c0", "a1", "b1", "a2", "a3"]


def test_the_turn_is_of_who_launched_longest_ago() -> None:
    """A namespace that has just launched waits behind one that did before, and one that never did goes first."""
    line = [a_member(f"{name}{n}", namespace=name, age=9 - n) for name in "abc" for n in range(2)]
    assert choose(line, wide("c", a=8, b=3, places=4)) == ["c0", "b0", "a0", "c1"]


@given(st.integers(min_value=1, max_value=300), st.integers(min_value=1, max_value=5))
def test_a_flood_does_not_starve_another(flood: int, places: int) -> None:
    """However many wait in one namespace, and however few places there are, another's build is among the next two."""
    line = [a_member(f"a{n}", namespace="a", age=1000 + n) for n in range(flood)]
    turns, launched, latest = {"a": 7, "b": 0}, list[str](), 7
    line.append(a_member("b", namespace="b"))
    while "b" not in launched:
        room = Room(places=places, namespace_limit=0, running={}, busy=(), turns=turns)
        for uid in choose(line, room):
            latest += 1
            turns[uid[0]] = latest
            launched.append(uid)
    assert launched.index("b") <= 1


def test_turns_come_before_priority() -> None:
    """However urgent its builds are, a namespace waits for its turn: priority orders its own builds."""
    line = [a_member("b", namespace="b", priority=-1000), a_member("a", namespace="a", priority=1000)]
    assert choose(line, wide("b", a=5)) == ["b", "a"]


def test_overdue_builds_do_not_go_before_another_namespace() -> None:
    """A fresh build of a namespace that never launched stands first, however many of another one are overdue."""
    flood = [a_member(f"a{n}", namespace="a", age=90_000 + n, overdue=True) for n in range(1880)]
    fresh = a_member("fresh", namespace="b", priority=1000)
    assert order([*flood, fresh], {"a": 7, "b": 0})[0] == "fresh"
    assert choose([*flood, fresh], wide("b", a=7, places=1)) == ["fresh"]


@given(lines(), st.dictionaries(st.sampled_from(NAMESPACES), st.integers(min_value=0, max_value=9)))
def test_no_namespace_waits_behind_two_builds_of_another(line: list[str], turns: dict[str, int]) -> None:
    """Whatever is urgent or overdue: before each namespace's first build, every other one launches once at most."""
    of = {waiting.uid: waiting.namespace for waiting in map(Waiting.read, line)}
    launched = [of[uid] for uid in order(line, turns)]
    for namespace in set(launched):
        before = Counter(launched[: launched.index(namespace)])
        assert set(before.values()) <= {1}


class TestRanked:
    """Namespaces that whoever installs names: their builds' priority counts against others."""

    def test_a_higher_priority_goes_before_the_turn(self) -> None:
        """A build of a named namespace counts by its priority; every other namespace's counts as 0."""
        line = [
            a_member("high", namespace="a", priority=1),
            a_member("low", namespace="a", priority=-1),
            a_member("b0", namespace="b", priority=1000),
            a_member("b1", namespace="b", priority=-1000),
        ]
        assert choose(line, wide("b", a=5, ranked=["a"])) == ["high", "b0", "b1", "low"]

    def test_named_namespaces_of_one_priority_take_turns(self) -> None:
        """Among the named the higher priority goes first, and turns decide among equals."""
        line = [a_member(f"{name}{n}", namespace=name, priority=5) for name in "ab" for n in range(2)]
        line.append(a_member("b-high", namespace="b", priority=6))
        assert choose(line, wide("a", b=3, ranked=["a", "b"])) == ["b-high", "a0", "b0", "a1", "b1"]

    def test_while_a_build_is_overdue_they_take_turns(self) -> None:
        """Until the overdue builds that may start have started, a named namespace has its turn as the others."""
        line = [a_member(f"a{n}", namespace="a", age=9 - n, priority=1000) for n in range(3)]
        line += [a_member(f"b{n}", namespace="b", age=9 - n, overdue=n == 0) for n in range(2)]
        assert choose(line, wide("b", a=5, ranked=["a"])) == ["b0", "a0", "a1", "a2", "b1"]

    def test_an_overdue_build_that_is_held_changes_nothing(self) -> None:
        """One of a full namespace or of a busy key does not keep named namespaces from going first."""
        line = [a_member("a", namespace="a", priority=9), a_member("late", namespace="b", overdue=True, key="k")]
        line.append(a_member("c", namespace="c"))
        full = Room(places=9, namespace_limit=1, running={"b": 1}, busy=(), turns=dict.fromkeys("bc", 0) | {"a": 5})
        held = replace(full, namespace_limit=0, busy=["b:k"])
        for room in (full, held):
            assert choose(line, replace(room, ranked=["a"])) == ["a", "c"]

    @given(st.integers(min_value=1, max_value=4), st.integers(min_value=1, max_value=5))
    def test_nothing_waits_for_ever(self, others: int, places: int) -> None:
        """A named namespace floods without end: an overdue build of each other one starts after a turn of each."""
        late = {f"n{n}": a_member(f"n{n}", namespace=f"n{n}", overdue=True) for n in range(others)}
        turns, latest, rounds = dict.fromkeys(late, 5) | {"a": 0}, 5, 0
        while late:
            flood = [a_member(f"a{n}", namespace="a", priority=1000) for n in range(places)]
            room = Room(places=places, namespace_limit=0, running={}, busy=(), turns=turns, ranked=["a"])
            for uid in choose([*flood, *late.values()], room):
                latest += 1
                turns["a" if uid not in late else uid] = latest
                late.pop(uid, None)
            rounds += 1
            assert rounds <= others + 1


@given(lines(), rooms)
def test_a_paused_namespace_launches_nothing(line: list[str], room: Room) -> None:
    """A namespace that has no turn gets no place, and the others get theirs as if it had no builds."""
    chosen = choose(line, room)
    others = [text for text in line if Waiting.read(text).namespace in room.turns]
    assert chosen == choose(others, room)
    assert set(chosen) <= {Waiting.read(text).uid for text in others}


@given(st.sampled_from(NAMESPACES), st.none() | st.text(min_size=1, max_size=30))
def test_a_member_is_read_back(namespace: str, key: str | None) -> None:
    """Uid, namespace, key and the moment of entering, whatever characters the key holds, come back from the member."""
    waiting = Waiting.read(a_member("uid-1", namespace=namespace, key=key, entered=0.25))
    assert (waiting.uid, waiting.namespace, waiting.key) == ("uid-1", namespace, key or "")
    assert waiting.entered == NOW + timedelta(seconds=0.25)
    assert waiting.slot == (f"{namespace}:{key}" if key else None)


@given(lines(), rooms)
def test_limits_and_keys_are_never_exceeded(line: list[str], room: Room) -> None:
    """However many wait: the places, each namespace's limit and one build a key hold."""
    chosen = choose(line, room)
    by_uid = {waiting.uid: waiting for waiting in map(Waiting.read, line)}
    assert len(chosen) <= room.places
    assert len(set(chosen)) == len(chosen)
    started = Counter(by_uid[uid].namespace for uid in chosen)
    if room.namespace_limit:
        for namespace, count in started.items():
            assert room.running.get(namespace, 0) + count <= room.namespace_limit
    slots = [f"{by_uid[uid].namespace}:{by_uid[uid].key}" for uid in chosen if by_uid[uid].key]
    assert len(set(slots)) == len(slots)
    assert not set(slots) & set(room.busy)


@given(lines(), rooms)
def test_nobody_is_passed_over_without_a_reason(line: list[str], room: Room) -> None:
    """Whoever got no place is held by the places, its namespace (limit, pause, what is kept for others) or its key."""
    chosen = choose(line, room)
    by_uid = {waiting.uid: waiting for waiting in map(Waiting.read, line)}
    running = Counter(room.running) + Counter(by_uid[uid].namespace for uid in chosen)
    busy = set(room.busy) | {by_uid[uid].slot for uid in chosen}
    for uid in by_uid.keys() - set(chosen):
        waiting = by_uid[uid]
        full = room.namespace_limit and running[waiting.namespace] >= room.namespace_limit
        paused = waiting.namespace not in room.turns
        kept = room.places - len(chosen) <= room.reserved and running[waiting.namespace] > 0
        assert len(chosen) == room.places or full or paused or kept or waiting.slot in busy


@settings(max_examples=200)
@given(lines(), rooms, st.dictionaries(st.sampled_from(NAMESPACES), st.integers(min_value=0, max_value=9), min_size=2))
def test_what_is_reserved_goes_to_namespaces_with_nothing_running(
    line: list[str], room: Room, turns: dict[str, int]
) -> None:
    """None of the last free places is given to a namespace in which something runs, or was just given a place."""
    of = {waiting.uid: waiting.namespace for waiting in map(Waiting.read, line)}
    running, room = Counter(room.running), replace(room, turns=turns, namespace_limit=0)
    for left, uid in zip(range(room.places, 0, -1), choose(line, room), strict=False):
        assert left > room.reserved or not running[of[uid]]
        running[of[uid]] += 1


def test_a_flood_leaves_what_is_reserved() -> None:
    """However many builds one namespace has, it gets the other places, and each idle one its first build."""
    line = [a_member(f"a{n}", namespace="a", age=100 - n, priority=1000, overdue=True) for n in range(20)]
    line += [a_member(f"{name}{n}", namespace=name) for name in "bcd" for n in range(2)]
    first = choose(line[:20], wide("a", places=10, reserved=3))
    assert first == [f"a{n}" for n in range(7)]
    then = Room(3, 0, {"a": 7}, (), {"a": 7, "b": 0, "c": 0, "d": 0}, reserved=3)
    assert choose(line[7:], then) == ["b0", "c0", "d0"]


class Sleepers:
    """Builds that never end: what is launched runs for ever. ``limit`` places, ``reserved`` of them for the idle."""

    def __init__(self, limit: int, reserved: int) -> None:
        self.limit, self.reserved = limit, reserved
        self.waiting: dict[str, str] = {}
        self.running: Counter[str] = Counter()
        self.turns: dict[str, int] = {}
        self.latest = 0

    def come(self, namespace: str, count: int = 1, *, priority: int = 0, overdue: bool = False) -> None:
        for _ in range(count):
            uid = f"{namespace}-{len(self.waiting)}-{self.latest}"
            self.waiting[uid] = a_member(uid, namespace=namespace, priority=priority, overdue=overdue)
        self.turns.setdefault(namespace, 0)

    @property
    def free(self) -> int:
        return self.limit - self.running.total()

    def turn(self, ranked: Collection[str] = ()) -> list[str]:
        """The namespaces of the builds that start now."""
        room = Room(self.free, 0, self.running, (), self.turns, ranked, self.reserved)
        started = []
        for uid in choose(self.waiting.values(), room):
            namespace = Waiting.read(self.waiting.pop(uid)).namespace
            self.latest += 1
            self.turns[namespace] = self.latest
            self.running[namespace] += 1
            started.append(namespace)
        return started


GOOD = ("good-1", "good-2", "good-3")
floods = st.lists(
    st.tuples(
        st.integers(min_value=1, max_value=5),
        st.integers(min_value=1, max_value=30),
        st.sampled_from([-1000, 0, 1000]),
        st.booleans(),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


@given(floods, st.integers(min_value=4, max_value=40), st.integers(min_value=3, max_value=12), st.booleans())
def test_sleepers_keep_nobodys_first_build_from_starting(
    history: list[tuple[int, int, int, bool, bool]], limit: int, reserved: int, ranked: bool
) -> None:
    """Whatever any number of namespaces launch that never ends, others' first builds start at once while any are kept.

    Of what is kept each hostile namespace but the first can take one place, also where its priority counts.
    """
    reserved = min(reserved, limit - 1)
    world = Sleepers(limit, reserved)
    hostile = {f"evil-{number}" for number, *_ in history}
    named = sorted(hostile)[:1] if ranked else ()
    for number, count, priority, overdue, turn in history:
        world.come(f"evil-{number}", count, priority=priority, overdue=overdue)
        if turn:
            world.turn(named)
    for namespace in hostile:
        world.come(namespace, limit, priority=1000)
    world.turn(named)
    kept = world.free
    assert reserved - (len(hostile) - 1) <= kept <= reserved
    for namespace in GOOD:
        world.come(namespace, 2)
        expected = [namespace] if world.free else []
        assert world.turn(named) == expected
    assert sum(world.running[namespace] for namespace in GOOD) == min(len(GOOD), kept)


@given(lines(), rooms)
def test_within_a_namespace_urgency_then_age_decide(line: list[str], room: Room) -> None:
    """Of two builds of one namespace without keys, the one that is earlier in line never starts after the other."""
    chosen = choose([text for text in line if not Waiting.read(text).key], room)
    by_uid = {Waiting.read(text).uid: text for text in line}
    for namespace in NAMESPACES:
        texts = [by_uid[uid] for uid in chosen if Waiting.read(by_uid[uid]).namespace == namespace]
        assert texts == sorted(texts)


@given(lines(), rooms)
def test_the_choice_does_not_depend_on_the_order_of_looking(line: list[str], room: Room) -> None:
    """The same members in any order give the same choice, and nothing handed in is changed."""
    running = dict(room.running)
    assert choose(line, room) == choose(list(reversed(line)), room)
    assert dict(room.running) == running


@given(lines(), rooms)
def test_every_build_of_a_namespace_that_may_launch_is_in_the_order(line: list[str], room: Room) -> None:
    """Each has its place in the order, behind others of its key too; without keys it is `choose` with room for all."""
    by_uid = {Waiting.read(text).uid: Waiting.read(text) for text in line}
    found = order(line, room.turns, room.ranked)
    assert sorted(found) == sorted(uid for uid, waiting in by_uid.items() if waiting.namespace in room.turns)
    without_keys = [text for text in line if not Waiting.read(text).key]
    free = wide(places=len(line), ranked=room.ranked, **dict(room.turns))
    assert order(without_keys, room.turns, room.ranked) == choose(without_keys, free)
