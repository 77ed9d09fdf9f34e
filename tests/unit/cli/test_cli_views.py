"""What `list` and `queue` show, and a state in one line."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from publishbuild.cli.views import columns
from publishbuild.cli.views.line import live_places, queue_rows, reported_places
from publishbuild.cli.views.listing import Listing, eta_text
from publishbuild.cli.views.state import state_line
from publishbuild.client.queue import LiveQueue, QueueEntry
from tests.builders import NOW, Object, a_build, at


def waiting(name: str, uid: str, position: int | None = None, **fields: object) -> Object:
    queue = {"reason": "GlobalLimit"} | ({"position": position} if position else {})
    condition = {"type": "Succeeded", "status": "Unknown", "reason": "GlobalLimit", "message": "2 of 2 places taken"}
    status = {"phase": "Queued", "queue": queue, "conditions": [condition]}
    return a_build(name=name, uid=uid, status=status, **fields)  # type: ignore[arg-type]  # spec fields


def a_queue(*entries: QueueEntry) -> LiveQueue:
    return LiveQueue(entries=entries, limit=2, running=2, redis_up=True)


class TestColumns:
    def test_columns_line_up_and_end_without_blanks(self) -> None:
        """Each column is as wide as its widest cell, and no line ends in blanks, so that scripts can cut them."""
        assert columns.table([["NAME", "X"], ["long-name", ""]]) == ["NAME        X", "long-name"]

    def test_a_cell_is_one_cell(self) -> None:
        """What would end a row or begin another column is written out, and no cell is longer than a name may be."""
        _, first, second = columns.table([["NAME", "X"], ["a\nb\tc", "y" * 5000], ["d", "z"]])
        assert first == f"a\\nb\\tc   {'y' * 252}…"
        assert second == "d         z"


class TestListing:
    def test_the_columns_are_those_of_kubectl(self) -> None:
        """Who knows `kubectl get pb` finds the same columns in the same order."""
        assert Listing().headings() == [
            "NAME", "PHASE", "POSITION", "PLATFORM", "PROFILE", "ATTEMPTS", "REASON", "AGE",
        ]  # fmt: skip

    def test_a_waiting_build_shows_its_exact_place_and_when_it_should_start(self) -> None:
        """Where the queue can be read, its position goes before the status's, which may be old."""
        queue = a_queue(QueueEntry(2, "u1", "GlobalLimit", at(720)))
        row = Listing(queue, all_namespaces=True).row(
            waiting("app", "u1", 9, platform="ios", profile="preview"), at(60)
        )
        assert row == ["shop", "app", "Queued", "2", "in 11m", "ios", "preview", "", "GlobalLimit", "60s"]

    def test_a_build_that_nobody_has_looked_at_yet_has_a_row(self) -> None:
        """A build without a status is shown with what is known of it."""
        assert Listing(wide=True).row(a_build(platform="all", profile="production"), NOW) == [
            "app-1", "", "", "all", "production", "", "", "0s", "", "", "", "",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("eta", "text"), [(None, ""), (at(-60), "now"), (at(0), "now"), (at(60), "in 60s"), (at(7200), "in 120m")]
    )
    def test_when_it_should_start(self, eta: datetime | None, text: str) -> None:
        """A time that has passed reads as now, and an unknown one as nothing."""
        assert eta_text(eta, NOW) == text


class TestQueue:
    def test_builds_that_may_not_be_seen_are_counted_in_their_place(self) -> None:
        """Whoever may not list a build learns its place and nothing else; neighbours share a row."""
        queue = a_queue(
            QueueEntry(1, "x", "GlobalLimit"),
            QueueEntry(2, "y", "GlobalLimit"),
            QueueEntry(3, "u1", "GlobalLimit", at(60)),
            QueueEntry(4, "z", "NamespaceLimit"),
        )
        places = live_places(((entry.uid, entry) for entry in queue.entries), {"u1": waiting("app", "u1", priority=7)})
        assert queue_rows(places, NOW)[1:] == [
            ["1-2", "(another namespace)", "2 builds", "", "", "", ""],
            ["3", "shop", "app", "7", "GlobalLimit", "in 60s", "0s"],
            ["4", "(another namespace)", "1 build", "", "", "", ""],
        ]
        assert places[0].as_data() == {
            "position": 1, "namespace": None, "name": None, "uid": None, "priority": None, "reason": "GlobalLimit",
            "eta": None,
        }  # fmt: skip
        assert places[2].as_data()["eta"] == at(60).isoformat()

    def test_without_the_operator_the_statuses_tell_the_order(self) -> None:
        """Where the queue cannot be read, the positions of the statuses are taken; what has none does not wait."""
        builds = [waiting("b", "2", 2), waiting("a", "1", 1), waiting("new", "3"), a_build(name="running")]
        assert [place.build["metadata"]["name"] for place in reported_places(builds) if place.build] == ["a", "b"]


class TestState:
    def test_a_state_is_one_line(self) -> None:
        """Phase, reason, message and position stand in one line, whatever the message holds."""
        build = waiting("app", "1", 3)
        build["status"]["conditions"][0]["message"] = "2 of 2\nplaces  taken"
        assert state_line(build) == "app Queued: GlobalLimit: 2 of 2 places taken, position 3"

    def test_nothing_is_said_twice(self) -> None:
        """A reason that only repeats the phase is left out, and a build without a status is new."""
        condition = {"type": "Succeeded", "status": "True", "reason": "Succeeded", "message": "published at attempt 1"}
        build = a_build(status={"phase": "Succeeded", "conditions": [condition]})
        assert state_line(build) == "app-1 Succeeded: published at attempt 1"
        assert state_line(a_build()) == "app-1 Created"


def test_an_age_counts_from_creation() -> None:
    """AGE is the time since the build was created."""
    build = a_build(created=NOW - timedelta(hours=5, minutes=3))
    assert Listing().row(build, NOW)[-1] == "5h3m"
