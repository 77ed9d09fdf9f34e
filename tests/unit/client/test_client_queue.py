"""The operator's queue through the service proxy."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from publishbuild.client import queue
from publishbuild.client.queue import Queue, QueueEntry, QueueUnknownError
from publishbuild.client.requests import Requests
from tests.support.api_standin import Answer, ApiStandIn, a_list, a_status

EVERYWHERE = "/api/v1/services"
PROXY = "/api/v1/namespaces/{0}/services/http:{1}:http/proxy/v1/queue"
LIVE: dict[str, Any] = {
    "redis": "up",
    "limit": 2,
    "running": 1,
    "waiting": [
        {"position": 1, "uid": "u1", "reason": "Waiting", "eta": "2025-06-01T12:05:00Z"},
        {"position": 2, "uid": "u2", "reason": "QueuePaused", "eta": None},
    ],
}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "_PAUSE_SECONDS", 0.0)


def services(*places: str) -> Answer:
    found = [place.split("/") for place in places]
    return a_list(*({"metadata": {"namespace": namespace, "name": name}} for namespace, name in found))


def forbidden() -> Answer:
    return a_status(403, "Forbidden", "you may not")


async def test_the_one_operator_is_asked(requests: Requests, standin: ApiStandIn) -> None:
    """The operator is found by its labels, and its queue is read with times as times."""
    standin.by_path = {EVERYWHERE: services("publish/op"), PROXY.format("publish", "op"): Answer(LIVE)}
    live = await Queue(requests).read()
    assert live.entries == (
        QueueEntry(1, "u1", "Waiting", datetime(2025, 6, 1, 12, 5, tzinfo=UTC)),
        QueueEntry(2, "u2", "QueuePaused", None),
    )
    assert (live.limit, live.running, live.redis_up) == (2, 1, True)
    assert live.entry("u2") == live.entries[1]
    assert live.entry("u3") is None
    assert "component=operator" in standin.queries(EVERYWHERE)[0]["labelSelector"]


async def test_of_several_operators_the_users_own_is_asked(requests: Requests, standin: ApiStandIn) -> None:
    """An operator in the user's namespace goes before others."""
    standin.by_path = {EVERYWHERE: services("publish/op", "shop/mine"), PROXY.format("shop", "mine"): Answer(LIVE)}
    assert len((await Queue(requests).read()).entries) == 2


async def test_who_may_not_list_all_services_is_still_served(requests: Requests, standin: ApiStandIn) -> None:
    """Without the right to list all Services the user's namespace is looked at."""
    here = "/api/v1/namespaces/shop/services"
    standin.by_path = {EVERYWHERE: forbidden(), here: services("shop/op"), PROXY.format("shop", "op"): Answer(LIVE)}
    assert len((await Queue(requests).read()).entries) == 2


async def test_a_named_namespace_needs_no_right_to_list(requests: Requests, standin: ApiStandIn) -> None:
    """With the operator's namespace named, its usual Service is asked where Services may not be listed."""
    standin.by_path = {
        "/api/v1/namespaces/publish/services": forbidden(),
        PROXY.format("publish", "publishbuild-operator"): Answer(LIVE),
    }
    assert len((await Queue(requests).read(operator_namespace="publish")).entries) == 2


async def test_a_standby_is_asked_again(requests: Requests, standin: ApiStandIn) -> None:
    """The proxy picks any replica: one that does not lead is passed over."""
    standin.answers = [services("publish/op"), Answer("standby", 503), Answer("standby", 503), Answer(LIVE)]
    assert len((await Queue(requests).read()).entries) == 2


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        ([services()], "no operator is found: name its namespace with --operator-namespace"),
        ([services("a/op", "b/op")], "operators in several namespaces (a, b): name one"),
        ([forbidden(), forbidden()], "you may not list Services: name the operator's namespace"),
        ([services("a/op"), forbidden()], "you may not"),
        ([services("a/op"), *[Answer("standby", 503)] * 5], "no operator in namespace a leads right now"),
        ([services("a/op"), Answer({**LIVE, "waiting": [{"name": "x"}]})], "is it as new?"),
        ([services("a/op"), Answer({"paths": []})], "is it as new?"),
    ],
)
async def test_why_it_cannot_be_read_is_said(
    requests: Requests, standin: ApiStandIn, answers: list[Answer], text: str
) -> None:
    """Whatever is in the way, one line says so, and callers can fall back to the statuses."""
    standin.answers = answers
    with pytest.raises(QueueUnknownError) as caught:
        await Queue(requests).read()
    assert text in str(caught.value)
