"""What others fill stays within its bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from publishbuild.remembered import Rate, Remembered


def test_a_value_has_its_time() -> None:
    """A value is there until its time and not at it, and then takes no room."""
    values: Remembered[str] = Remembered(2)
    values.put(b"a", "x", 5)
    assert (values.get(b"a", 4.9), values.get(b"a", 5), len(values)) == ("x", None, 0)


def test_the_oldest_goes_first() -> None:
    """One more than allowed drives out the one that was put longest ago."""
    values: Remembered[int] = Remembered(2)
    for number, key in enumerate((b"a", b"b", b"a", b"c")):
        values.put(key, number, 9)
    assert [values.get(key, 0) for key in (b"a", b"b", b"c")] == [2, None, 3]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 5)), max_size=200))
def test_no_key_has_more_than_its_rate(asked: list[tuple[str, float]]) -> None:
    """Over any time a key is allowed its burst and its rate, whatever the others ask."""
    rate, now, allowed = Rate(6), 0.0, dict.fromkeys("abc", 0)
    for key, pause in asked:
        now += pause
        allowed[key] += rate.allows(key, now)
    assert all(count <= 6 + now / 10 + 1e-6 for count in allowed.values())


def test_a_key_is_allowed_again() -> None:
    """A key that has had all is allowed one more after its share of a minute."""
    rate = Rate(6)
    assert [rate.allows("a", 0) for _ in range(7)] == [True] * 6 + [False]
    assert [rate.allows("a", 10), rate.allows("a", 10)] == [True, False]


def test_keys_are_bounded() -> None:
    """Any number of keys takes the room of so many."""
    rate = Rate(6, most_keys=10)
    for number in range(100):
        rate.allows(str(number), 0)
    assert len(rate) == 10
