"""The order of the queue and who may start: priority, then age; limits and keys hold."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from publishbuild.decide.order import Room, Waiting, choose, member
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
    )


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
        )
        for n in range(count)
    ]


rooms = st.builds(
    Room,
    places=st.integers(min_value=0, max_value=8),
    namespace_limit=st.integers(min_value=0, max_value=3),
    running=st.dictionaries(st.sampled_from(NAMESPACES), st.integers(min_value=0, max_value=3)),
    busy=st.sets(st.sampled_from(["a:k", "b:prod:ios", "shop-1:ключ"])),
)
WIDE = Room(places=100, namespace_limit=0, running={}, busy=())


@given(
    st.integers(min_value=-1000, max_value=1000),
    st.integers(min_value=-1000, max_value=1000),
    st.integers(min_value=0, max_value=100_000),
    st.integers(min_value=0, max_value=100_000),
)
def test_priority_comes_before_age(one: int, other: int, age: int, other_age: int) -> None:
    """A higher priority is always earlier; among equals the older is."""
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


@given(st.sampled_from(NAMESPACES), st.none() | st.text(min_size=1, max_size=30))
def test_a_member_is_read_back(namespace: str, key: str | None) -> None:
    """Uid, namespace and key, whatever characters the key holds, come back from the member."""
    text = a_member("uid-1", namespace=namespace, key=key)
    assert Waiting.read(text) == Waiting(uid="uid-1", namespace=namespace, key=key or "")


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
    """A build that was not chosen while a later one was is held by its namespace's limit or its key."""
    chosen = choose(line, room)
    order = [Waiting.read(text) for text in sorted(line)]
    if not chosen:
        last = -1 if room.places == 0 else len(order) - 1
    else:
        last = max(index for index, waiting in enumerate(order) if waiting.uid in chosen)
        if len(chosen) < room.places:
            last = len(order) - 1
    running, busy = Counter(room.running), set(room.busy)
    for waiting in order[: last + 1]:
        slot = f"{waiting.namespace}:{waiting.key}"
        if waiting.uid in chosen:
            running[waiting.namespace] += 1
            busy |= {slot} if waiting.key else set()
        else:
            full = room.namespace_limit and running[waiting.namespace] >= room.namespace_limit
            assert full or (waiting.key and slot in busy)


@given(lines(), rooms)
def test_the_choice_does_not_depend_on_the_order_of_looking(line: list[str], room: Room) -> None:
    """The same members in any order give the same choice, and nothing handed in is changed."""
    running = dict(room.running)
    assert choose(line, room) == choose(list(reversed(line)), room)
    assert dict(room.running) == running
