"""Why a build waits: one reason, the first that holds."""

from __future__ import annotations

from typing import Any

import pytest

from publishbuild.decide.conditions import Verdict, conditions
from publishbuild.decide.queue_reason import queue_reason
from publishbuild.models.spec import PublishBuildSpec
from publishbuild.names import QueueReason
from tests.builders import a_build, a_spec, at, facts, trouble

ALL: dict[str, Any] = {
    "paused_by": "ops",
    "available": False,
    "key_busy": True,
    "running": 10,
    "running_in_namespace": 2,
    "namespace_limit": 2,
}
CALM: dict[str, Any] = {
    "paused_by": None,
    "available": True,
    "key_busy": False,
    "running_in_namespace": 0,
    "running": 0,
}

CALM_ORDER = tuple(CALM)


def reason(spec: dict[str, Any] | None = None, *, refused: bool = False, **queue: Any) -> tuple[QueueReason, str]:
    fields = {"concurrencyKey": "prod"} | (spec or {})
    given = facts(a_build(**fields), queue=queue, launch_trouble=trouble() if refused else None)
    return queue_reason(given, PublishBuildSpec.model_validate(a_spec(**fields)))


@pytest.mark.parametrize(
    ("gone", "spec", "expected"),
    [
        pytest.param((), {"suspend": True}, QueueReason.SUSPENDED, id="suspended first"),
        pytest.param((), {}, QueueReason.QUEUE_PAUSED, id="then the pause"),
        pytest.param(CALM_ORDER[:1], {}, QueueReason.REDIS_UNAVAILABLE, id="then Redis"),
        pytest.param(CALM_ORDER[:2], {}, QueueReason.CONCURRENCY_KEY_BUSY, id="then the key"),
        pytest.param(CALM_ORDER[:3], {}, QueueReason.NAMESPACE_LIMIT, id="then the namespace"),
        pytest.param(CALM_ORDER[:4], {}, QueueReason.GLOBAL_LIMIT, id="then all places"),
        pytest.param(tuple(CALM), {}, QueueReason.WAITING, id="else its turn"),
    ],
)
def test_the_first_reason_that_holds_is_shown(
    gone: tuple[str, ...], spec: dict[str, Any], expected: QueueReason
) -> None:
    """With several reasons at once, the first of the contract's order is the one shown."""
    shown, message = reason(spec, **(ALL | {key: CALM[key] for key in gone}))
    assert shown is expected
    assert message


def test_a_refused_launch_says_so() -> None:
    """The API server's words are shown while the launch waits for its next try."""
    shown, message = reason(refused=True, **(ALL | {"paused_by": None, "available": True}))
    assert shown is QueueReason.WAITING
    assert "quota exceeded" in message


@pytest.mark.parametrize(
    ("queue", "word"),
    [
        pytest.param({"key_busy": True}, "'prod'", id="key"),
        pytest.param(
            {"running_in_namespace": 2, "namespace_limit": 2},
            "PUBLISHBUILD_MAX_CONCURRENT_PER_NAMESPACE",
            id="namespace",
        ),
        pytest.param(
            {"running_in_namespace": 10, "without_build": 7},
            "all 10 places of namespace shop are taken, 7 of them by Jobs or pods whose build is gone or never was",
            id="ghosts",
        ),
        pytest.param({"paused_by": "ops"}, "publishbuild.dev/paused of namespace ops", id="pause"),
        pytest.param({"running": 10}, "PUBLISHBUILD_MAX_CONCURRENT", id="all"),
    ],
)
def test_the_message_says_what_would_help(queue: dict[str, Any], word: str) -> None:
    """The sentence names the key or the setting that holds the build."""
    assert word in reason(**queue)[1]


KEPT: dict[str, Any] = {"limit": 10, "reserved": 3, "running": 7}


def test_what_is_reserved_holds_who_runs_something() -> None:
    """With nothing but reserved places free, a namespace that runs something waits, and an idle one has its turn."""
    assert reason(**KEPT, running_in_namespace=1)[0] is QueueReason.GLOBAL_LIMIT
    assert reason(**KEPT, running_in_namespace=0)[0] is QueueReason.WAITING
    assert reason(**KEPT | {"running": 6}, running_in_namespace=6)[0] is QueueReason.WAITING
    assert reason(**KEPT | {"running": 10}, running_in_namespace=0)[0] is QueueReason.GLOBAL_LIMIT
    assert reason(**KEPT | {"reserved": 0}, running_in_namespace=7)[0] is QueueReason.WAITING


def test_the_message_says_what_is_reserved() -> None:
    """In the same words while reserved places are free and while none is: a change of that alone writes no status."""
    expected = (
        "all places that namespace shop may take are taken (PUBLISHBUILD_MAX_CONCURRENT: 10; the last 3 of them go only"
        " to namespaces that have nothing running: PUBLISHBUILD_RESERVED_FOR_IDLE)"
    )
    assert reason(**KEPT, running_in_namespace=7)[1] == expected
    assert reason(**KEPT | {"running": 10}, running_in_namespace=0)[1] == expected


def test_no_namespace_limit_never_holds() -> None:
    """0 is no limit."""
    assert reason(running_in_namespace=500, namespace_limit=0)[0] is QueueReason.WAITING


def test_conditions_keep_the_time_of_an_unchanged_status() -> None:
    """`conditions` moves the transition time of those alone whose status changed."""
    first = conditions((), Verdict("Unknown", "Queued", "waits"), generation=1, now=at(1))
    then = conditions(first, Verdict("False", "QueueTimeout", "too long"), generation=2, now=at(2))
    times = {condition.type: condition.last_transition_time for condition in then}
    assert times == {"Succeeded": at(2), "Ready": at(1), "Stalled": at(2)}
    assert {condition.reason for condition in then} == {"QueueTimeout"}
