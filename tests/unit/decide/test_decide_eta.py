"""When waiting builds would start: by example, and what holds of any queue whatever."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishbuild.decide.eta import Limits, Taken, start_times
from publishbuild.decide.order import Waiting
from publishbuild.decide.run_times import Run, usual_seconds
from publishbuild.names import slot_of
from tests.builders import NOW, at

Line = list[tuple[Waiting, float]]


def waits(uid: str, *, namespace: str = "a", key: str = "") -> Waiting:
    return Waiting(namespace, "1001", f"0:0:{uid}", uid, key)


def starts(
    line: Line, *taken: Taken, limit: int = 1, namespace_limit: int = 0, reserved: int = 0, now: datetime = NOW
) -> dict[str, float]:
    """Seconds after NOW, by uid."""
    found = start_times(line, taken, Limits(limit, namespace_limit, reserved), now)
    return {uid: (start - NOW).total_seconds() for uid, start in found.items()}


class TestByExample:
    def test_a_free_place_is_now(self) -> None:
        """As many as there are places free start now, the next one when the first of these is due to end."""
        line = [(waits(uid), 60.0) for uid in "xyz"]
        assert starts(line, limit=2) == {"x": 0, "y": 0, "z": 60}

    def test_a_running_build_frees_its_place_when_it_is_due(self) -> None:
        """What a running build has run already counts, and each place is handed on in turn."""
        running = Taken("a", None, 100.0, started=at(-40))
        assert starts([(waits("x"), 30.0), (waits("y"), 30.0)], running) == {"x": 60, "y": 90}

    @pytest.mark.parametrize(
        ("place", "seconds"),
        [
            pytest.param(Taken("a", None, 100.0, started=at(-500)), 0, id="longer than usual may end at any moment"),
            pytest.param(Taken("a", None, 100.0), 100, id="a Job that has not started has all of it before it"),
            pytest.param(Taken("a", None, 100.0, started=at(50)), 100, id="a clock that is behind"),
            pytest.param(Taken("a", None, 100.0, started=at(0), ending=True), 0, id="one that is stopped"),
        ],
    )
    def test_the_rest_of_a_run(self, place: Taken, seconds: float) -> None:
        """How long a place stays taken."""
        assert starts([(waits("x"), 1.0)], place) == {"x": seconds}

    def test_a_busy_key_is_passed(self) -> None:
        """A build whose key is busy waits for that build to end; those behind it go first."""
        running = Taken("a", "a:k", 100.0, started=at(0))
        line = [(waits("held", key="k"), 10.0), (waits("free"), 10.0), (waits("other", namespace="b", key="k"), 10.0)]
        assert starts(line, running, limit=2) == {"free": 0, "other": 10, "held": 100}

    def test_builds_of_one_key_run_one_after_another(self) -> None:
        """Also where none of them runs yet and places are free."""
        line = [(waits(uid, key="k"), 10.0) for uid in "xy"]
        assert starts(line, limit=5) == {"x": 0, "y": 10}

    def test_a_full_namespace_is_passed(self) -> None:
        """A namespace at its limit waits for one of its own to end; others go first."""
        running = Taken("a", None, 100.0, started=at(0))
        line = [(waits("a1"), 10.0), (waits("b1", namespace="b"), 10.0), (waits("b2", namespace="b"), 10.0)]
        assert starts(line, running, limit=3, namespace_limit=1) == {"b1": 0, "b2": 10, "a1": 100}

    def test_more_run_than_the_limit(self) -> None:
        """After the limit was lowered, places are handed out once fewer than it are taken."""
        running = [Taken("a", None, seconds, started=at(0)) for seconds in (10.0, 20.0, 30.0)]
        assert starts([(waits("x"), 1.0)], *running, limit=1) == {"x": 30}

    def test_an_orphan_takes_no_place_and_counts_in_its_namespace(self) -> None:
        """What no build owns holds up its own namespace alone, also where namespaces have no limit of their own."""
        ghost = Taken("a", None, 100.0, started=at(0), orphan=True)
        line = [(waits("a1"), 10.0), (waits("b1", namespace="b"), 10.0)]
        assert starts(line, ghost, limit=2, namespace_limit=1) == {"b1": 0, "a1": 100}
        assert starts(line, ghost, ghost, limit=2) == {"b1": 0, "a1": 100}
        assert starts(line, ghost, limit=2) == {"a1": 0, "b1": 0}

    def test_what_is_reserved_is_for_namespaces_with_nothing_running(self) -> None:
        """The last places go to the first build of each idle namespace; the others wait until more is free."""
        running = [Taken("a", None, seconds, started=at(0)) for seconds in (10.0, 20.0, 30.0)]
        line = [(waits(uid, namespace=uid[0]), 100.0) for uid in ("a1", "b1", "b2", "c1")]
        assert starts(line, *running, limit=5, reserved=2) == {"b1": 0, "c1": 0, "a1": 30, "b2": 100}

    def test_a_namespace_that_has_become_idle_may_use_what_is_reserved(self) -> None:
        """Once its last build is due to end."""
        running = Taken("a", None, 10.0, started=at(0))
        line = [(waits(uid), 100.0) for uid in ("a1", "a2")]
        assert starts(line, running, Taken("b", None, 500.0), limit=3, reserved=2) == {"a1": 10, "a2": 110}

    def test_farther_than_a_year_is_not_guessed(self) -> None:
        """Where a build would start in more than a year nothing is said, and the guess takes no time either."""
        year = 365 * 86_400.0
        line = [(waits("x"), year - 1), (waits("y"), year), *((waits(str(n)), year) for n in range(1000))]
        assert starts(line) == {"x": 0, "y": year - 1}

    @pytest.mark.timeout(60)
    def test_many_keys_in_a_full_namespace(self) -> None:
        """The guess for 20,000 builds with a key each does not look at all of them at each step."""
        line = [(waits(str(n), key=f"k{n % 19_000}"), 1.0) for n in range(20_000)]
        found = starts(line, limit=10, namespace_limit=2)
        assert (len(found), max(found.values())) == (20_000, 9_999)

    def test_whole_seconds_are_never_before_now(self) -> None:
        """A moment within a second is rounded up."""
        assert starts([(waits("x"), 1.0)], now=at(0.4)) == {"x": 1}
        assert starts([(waits("x"), 1.0)], now=at(3)) == {"x": 3}


namespaces, keys = st.sampled_from("abc"), st.sampled_from(["", "", "k", "l"])
lengths = st.integers(min_value=0, max_value=500).map(float)
lines = st.lists(st.tuples(namespaces, keys, lengths), max_size=30).map(
    lambda drawn: [(waits(f"u{n}", namespace=ns, key=key), length) for n, (ns, key, length) in enumerate(drawn)]
)
places = st.builds(
    lambda namespace, key, seconds, ran, ending: Taken(
        namespace, slot_of(namespace, key), seconds, None if ran is None else NOW - timedelta(seconds=ran), ending
    ),
    namespaces,
    keys,
    lengths,
    st.none() | st.integers(min_value=-50, max_value=1000),
    st.booleans(),
)
limits = st.builds(Limits, st.integers(min_value=1, max_value=6), st.integers(min_value=0, max_value=3)) | st.builds(
    Limits, st.integers(min_value=4, max_value=9), st.integers(0, 3), reserved=st.integers(min_value=1, max_value=3)
)
moments = st.floats(min_value=0, max_value=5).map(at)


class TestOfAnyQueue:
    @given(lines, st.lists(places, max_size=8), limits, moments)
    def test_every_build_has_one_and_none_is_in_the_past(
        self, line: Line, taken: list[Taken], limit: Limits, now: datetime
    ) -> None:
        """Whatever waits and runs, each waiting build has a start, which is not before now and in whole seconds."""
        found = start_times(line, taken, limit, now)
        assert set(found) == {build.uid for build, _ in line}
        assert all(start >= now and start.microsecond == 0 for start in found.values())

    @given(lines, st.lists(places, max_size=8), limits, moments)
    def test_alike_builds_start_in_their_order(
        self, line: Line, taken: list[Taken], limit: Limits, now: datetime
    ) -> None:
        """Of builds that the same things can hold back, none starts before one that stands before it."""
        found = start_times(line, taken, limit, now)
        last: dict[tuple[str, str | None], datetime] = {}
        for build, _ in line:
            # Where namespaces do not matter, nothing but a free place can hold back a build that has no key.
            by_namespace = limit.in_namespace or limit.reserved or build.slot
            alike = (build.namespace if by_namespace else "", build.slot)
            assert found[build.uid] >= last.get(alike, now)
            last[alike] = found[build.uid]

    @given(lines, st.lists(places, max_size=8), limits)
    def test_limits_and_keys_hold_at_every_start(self, line: Line, taken: list[Taken], limit: Limits) -> None:
        """Whenever a build starts, no more run than all, its namespace's and its key's limit allow, itself included."""
        found = start_times(line, taken, limit, NOW)
        spans = [(found[b.uid], found[b.uid] + timedelta(seconds=s), b.namespace, b.slot) for b, s in line]
        for place in taken:
            ran = NOW - (place.started or NOW)
            left = timedelta() if place.ending else timedelta(seconds=place.seconds) - max(ran, timedelta())
            spans.append((NOW - timedelta(seconds=1), NOW + max(left, timedelta()), place.namespace, place.slot))
        for build, seconds in line:
            if seconds:
                start = found[build.uid]
                live = [(namespace, slot) for began, ends, namespace, slot in spans if began <= start < ends]
                assert len(live) <= limit.total
                assert build.slot is None or [slot for _, slot in live].count(build.slot) == 1
                in_namespace = [namespace for namespace, _ in live].count(build.namespace)
                assert not limit.in_namespace or in_namespace <= limit.in_namespace
                # Its namespace was not idle where one of its builds had started before this moment.
                before = [namespace for began, ends, namespace, _ in spans if began < start < ends]
                assert build.namespace not in before or len(before) < limit.total - limit.reserved


class TestUsualSeconds:
    def test_no_run_no_guess(self) -> None:
        """Before the first build has ended nothing is known."""
        assert usual_seconds([]) is None

    def test_the_median_of_its_kind(self) -> None:
        """Three runs of a kind speak for it; one very long run does not move the guess."""
        runs = [Run(("ios", "p"), seconds) for seconds in (10, 20, 9000)] + [Run(("android", "p"), 5)] * 4
        usual = usual_seconds(runs)
        assert usual is not None
        assert (usual(("ios", "p")), usual(("android", "p"))) == (20, 5)

    def test_of_a_kind_that_is_new_all_runs_speak(self) -> None:
        """With fewer than three of its kind, the median of all is taken."""
        usual = usual_seconds([Run(("ios", "p"), 900)] * 2 + [Run(("android", "p"), 10)] * 3)
        assert usual is not None
        assert usual(("ios", "p")) == usual(("all", "q")) == 10
