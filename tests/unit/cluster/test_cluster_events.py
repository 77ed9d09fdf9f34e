"""Events: good for the API server whatever they say, and never in the way."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from publishbuild.cluster.api import ApiError
from publishbuild.cluster.events import Events
from publishbuild.decide.actions import EmitEvent
from publishbuild.names import EventReason
from tests.builders import NOW, UID, Object, a_build


class Posted:
    """Takes Events, or refuses them."""

    def __init__(self) -> None:
        self.events: list[Object] = []
        self.error: ApiError | None = None

    async def post_event(self, event: Object) -> None:
        if self.error:
            raise self.error
        self.events.append(event)


async def post(cluster: Posted, *events: EmitEvent, build: Object | None = None) -> None:
    line: Any = Events(cluster, lambda: NOW, "operator-0")  # type: ignore[arg-type]  # takes Events as a Cluster does
    delivering = asyncio.create_task(line.deliver())
    for event in events:
        line.post(build or a_build(), event)
    await line.delivered()
    delivering.cancel()
    await asyncio.gather(delivering, return_exceptions=True)


async def test_an_event_speaks_of_its_build() -> None:
    """Reason, type and message are about that build, uid included."""
    cluster = Posted()
    await post(cluster, EmitEvent(EventReason.FAILED, "it broke", "Warning"))
    (event,) = cluster.events
    assert (event["reason"], event["type"], event["note"]) == ("Failed", "Warning", "it broke")
    assert event["regarding"] == {
        "apiVersion": "publishbuild.dev/v1alpha1",
        "kind": "PublishBuild",
        "namespace": "shop",
        "name": "app-1",
        "uid": UID,
    }
    assert event["metadata"]["namespace"] == "shop"


@pytest.mark.parametrize("text", ["x" * 5000, "ü" * 5000, "🎉" * 1000, "a" + "é" * 600])
async def test_a_long_message_fits(text: str) -> None:
    """The API server takes 1024 bytes: the note is cut there, between two characters."""
    cluster = Posted()
    await post(cluster, EmitEvent(EventReason.FAILED, text))
    note = cluster.events[0]["note"]
    assert len(note.encode()) <= 1024
    assert text.startswith(note)


async def test_two_events_of_one_moment_have_two_names() -> None:
    """Two failed attempts that are seen at once are two Events."""
    cluster = Posted()
    await post(cluster, *(EmitEvent(EventReason.ATTEMPT_FAILED, f"attempt {n}") for n in (1, 2)))
    assert len({event["metadata"]["name"] for event in cluster.events}) == 2


async def test_the_longest_name_fits() -> None:
    """A build with the longest name gets its Events."""
    cluster = Posted()
    await post(cluster, EmitEvent(EventReason.ATTEMPT_FAILED, "m"), build=a_build(name="a" * 50))
    assert len(cluster.events[0]["metadata"]["name"]) <= 253


async def test_a_refused_event_is_logged_and_dropped() -> None:
    """The status says it all: an Event that cannot be posted stops nothing."""
    cluster = Posted()
    cluster.error = ApiError(403, "Forbidden", "may not post")
    with capture_logs() as logs:
        await post(cluster, EmitEvent(EventReason.QUEUED, "m"), EmitEvent(EventReason.STARTED, "m"))
    assert [entry["event"] for entry in logs] == ["event not posted", "event not posted"]
    assert all("403" in entry["error"] for entry in logs)
