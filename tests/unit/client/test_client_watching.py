"""A watch as its user sees it: what is, then each change, whatever happens to the connection."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

import pytest

from publishbuild.client import watching
from publishbuild.client.builds import Builds
from publishbuild.client.errors import ForbiddenError, NoResourceError, NotFoundError
from publishbuild.client.requests import Requests
from tests.builders import a_build
from tests.support.api_standin import Answer, ApiStandIn, a_list, a_status, a_watch, bookmark, too_old

PATH = "/apis/publishbuild.dev/v1alpha1/namespaces/shop/publishbuilds"


def build(uid: str, version: int) -> dict[str, Any]:
    return a_build(name=uid, uid=uid, version=version)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "FIRST_PAUSE_SECONDS", 0.0)


async def seen(requests: Requests, count: int, **options: Any) -> list[tuple[str, str, bool]]:
    """The first ``count`` changes: name, version, and whether deleted."""
    found: list[tuple[str, str, bool]] = []
    async with aclosing(Builds(requests).watch("shop", **options)) as changes:
        async for change in changes:
            metadata = change.build["metadata"]
            found.append((metadata["name"], metadata["resourceVersion"], change.deleted))
            if len(found) == count:
                break
    return found


async def test_what_is_comes_first_then_each_change(requests: Requests, standin: ApiStandIn) -> None:
    """Builds that exist come as they are; then what is added, changed or deleted, once each."""
    standin.answers = [
        a_list(build("a", 5), version=10),
        a_watch(("ADDED", build("b", 11)), ("MODIFIED", build("a", 12)), ("DELETED", build("b", 13))),
    ]
    assert await seen(requests, 4) == [("a", "5", False), ("b", "11", False), ("a", "12", False), ("b", "13", True)]
    assert standin.queries(PATH)[1]["resourceVersion"] == "10"


async def test_a_watch_that_ends_goes_on_where_it_was(requests: Requests, standin: ApiStandIn) -> None:
    """After the server ends a watch the next one begins at the last version seen, that of a bookmark included."""
    standin.answers = [
        a_list(version=10),
        a_watch(("ADDED", build("a", 11)), bookmark(30)),
        a_watch(("MODIFIED", build("a", 31))),
    ]
    assert await seen(requests, 2) == [("a", "11", False), ("a", "31", False)]
    assert [query["resourceVersion"] for query in standin.queries(PATH)[1:]] == ["10", "30"]


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param([a_watch(("ADDED", build("a", 11)), cut=True, tail='{"type": "MODIF')], id="cut within a line"),
        pytest.param([a_watch(("ADDED", build("a", 11))), a_status(503, "", "starting")], id="503"),
        pytest.param([a_watch(("ADDED", build("a", 11))), a_status(429, "", "later")], id="429"),
        pytest.param([a_watch(("ADDED", build("a", 11))), Answer("<html>", 502)], id="page of a balancer"),
        pytest.param([a_watch(("ADDED", build("a", 11))), a_status(403, "Forbidden", "not yet")], id="rights unread"),
        pytest.param([a_watch(("ADDED", build("a", 11))), Answer("404 page not found", 404)], id="CRD not served yet"),
        pytest.param([a_watch(("ADDED", build("a", 11)), ("ERROR", {"code": 500, "message": "etcd"}))], id="error"),
        pytest.param([a_watch(("ADDED", build("a", 11))), Answer('[1]\n{"type": 1}\n')], id="nonsense"),
    ],
)
async def test_trouble_is_outlived(requests: Requests, standin: ApiStandIn, trouble: list[Answer]) -> None:
    """Whatever an API server that restarts, or a balancer, answers: the watch goes on at the version it had."""
    standin.answers = [a_list(version=10), *trouble, a_watch(("MODIFIED", build("a", 12)))]
    assert await seen(requests, 2) == [("a", "11", False), ("a", "12", False)]
    assert standin.queries(PATH)[-1]["resourceVersion"] == "11"


@pytest.mark.parametrize(
    "expired", [pytest.param(a_watch(too_old()), id="event"), pytest.param(a_status(410, "Expired", "x"), id="answer")]
)
async def test_a_gap_is_made_good(requests: Requests, standin: ApiStandIn, expired: Answer) -> None:
    """After a version that is too old all is listed anew: what changed or is gone is told, and nothing else."""
    standin.answers = [
        a_list(build("same", 1), build("changed", 2), build("gone", 3), version=10),
        expired,
        a_list(build("same", 1), build("changed", 20), build("new", 21), version=30),
        a_watch(("MODIFIED", build("same", 31))),
    ]
    assert (await seen(requests, 7))[3:] == [
        ("gone", "3", True),
        ("changed", "20", False),
        ("new", "21", False),
        ("same", "31", False),
    ]
    assert standin.queries(PATH)[-1]["resourceVersion"] == "30"


async def test_a_change_that_comes_twice_is_told_once(requests: Requests, standin: ApiStandIn) -> None:
    """An event with a version that is known already is no change."""
    standin.answers = [
        a_list(build("a", 5), version=4),
        a_watch(("MODIFIED", build("a", 5)), ("MODIFIED", build("a", 6))),
    ]
    assert await seen(requests, 2) == [("a", "5", False), ("a", "6", False)]


@pytest.mark.parametrize(
    ("answer", "error"),
    [(a_status(403, "Forbidden", "may not"), ForbiddenError), (Answer("404 page not found", 404), NoResourceError)],
)
async def test_what_cannot_be_read_from_the_start_is_said_at_once(
    requests: Requests, standin: ApiStandIn, answer: Answer, error: type[Exception]
) -> None:
    """Without the right, or without the CRD, nobody waits for a watch that will never begin."""
    standin.answers = [answer]
    with pytest.raises(error):
        await seen(requests, 1)


async def test_a_right_that_is_lost_for_good_ends_the_watch(
    requests: Requests, standin: ApiStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What may pass while an API server starts is an error where it lasts longer than that takes."""
    monkeypatch.setattr(watching, "PATIENCE_SECONDS", 0.0)
    standin.answers = [a_list(version=10), *[a_status(403, "Forbidden", "may not any more")] * 2]
    with pytest.raises(ForbiddenError, match="may not any more"):
        await seen(requests, 1)


async def test_trouble_is_told_where_it_lasts(requests: Requests, standin: ApiStandIn) -> None:
    """One cut is everyday life; a second failure in a row is told, once."""
    standin.answers = [a_list(version=10), *[a_status(503, "", "starting")] * 4, a_watch(("ADDED", build("a", 11)))]
    told: list[str] = []
    await seen(requests, 1, on_trouble=told.append)
    assert told == ["the API server cannot answer right now: starting"]


async def test_one_build_is_asked_for_by_name(requests: Requests, standin: ApiStandIn) -> None:
    """A watch of one build, or of labels, costs the API server no more than those."""
    standin.answers = [a_list(build("a", 5), version=4)]
    await seen(requests, 1, name="a", selector="app=shop")
    query = standin.queries(PATH)[0]
    assert (query["fieldSelector"], query["labelSelector"]) == ("metadata.name=a", "app=shop")


async def test_a_build_that_is_deleted_while_waited_for_is_said(requests: Requests, standin: ApiStandIn) -> None:
    """Nobody waits for ever for what is gone, whether it was seen to go or not."""
    for last in (a_watch(("DELETED", build("a", 11))), a_watch(too_old())):
        standin.answers = [Answer(build("a", 5)), a_list(build("a", 5), version=10), last, a_list(version=12)]
        with pytest.raises(NotFoundError, match="a was deleted while it was waited for"):
            await Builds(requests).wait("shop", "a")


async def test_a_build_that_goes_before_the_watch_begins_is_said(requests: Requests, standin: ApiStandIn) -> None:
    """A build that is deleted between the first look and the watch is gone as well."""
    standin.answers = [Answer(build("a", 5)), a_list(version=10)]
    with pytest.raises(NotFoundError, match="a was deleted"):
        await Builds(requests).wait("shop", "a", seconds=20)
