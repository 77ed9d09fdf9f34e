"""The operator's two ports, and the queue that it tells on one of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from publishbuild.observe.connections import MOST, MOST_OF_A_PEER
from tests.support.fixtures import Manifest, StartOperator
from tests.support.flood import flooded
from tests.support.kube import Kube
from tests.support.operator_process import OperatorProcess
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

FOR_PODS = "/v1/builds/some-uid/stop"
FOR_OTHERS = ("/metrics", "/v1/queue", "/healthz", "/readyz")


def waiting(operator: OperatorProcess) -> list[dict[str, Any]]:
    """The builds in line; none where the operator does not know the queue yet."""
    found: list[dict[str, Any]] = (operator.queue() or {}).get("waiting", [])
    return found


def test_each_port_has_its_own_endpoints(start_operator: StartOperator) -> None:
    """Builds' pods find no metrics and no queue on their port, and nobody else finds theirs on the other."""
    operator = start_operator()
    until(lambda: operator.queue() is not None, seconds=20, what="it leads")
    assert {operator.get(path)[0] for path in FOR_OTHERS} == {200}
    assert {operator.get(path, port=operator.callback_port)[0] for path in FOR_OTHERS} == {404}
    assert operator.get(FOR_PODS, port=operator.callback_port)[0] == 401
    assert operator.get(FOR_PODS)[0] == 404


def test_without_a_callback_url_their_port_is_closed(start_operator: StartOperator) -> None:
    """Where no pod is told of the callback port, nobody listens on it."""
    operator = start_operator(callback_url="")
    assert operator.get(FOR_PODS, port=operator.callback_port)[0] == 0


def test_a_taken_port_stops_the_start_with_one_line(start_operator: StartOperator) -> None:
    """A callback port that somebody else has ends the operator with the variable, the port and why."""
    first = start_operator()
    second = start_operator(wait=False, log="second", callback_port=first.callback_port)
    assert second.wait_ended(60) == 1
    [line] = [line for line in second.tail().splitlines() if line.startswith("publishbuild: ")]
    assert f"cannot listen on PUBLISHBUILD_CALLBACK_PORT {first.callback_port}: " in line


def test_half_reports_leave_the_operator_at_work(kube: Kube, start_operator: StartOperator, manifest: Manifest) -> None:
    """Under more half-sent reports than may be open, builds are launched, probes answered, and metrics tell of it."""
    operator = start_operator()
    half = b"POST /v1/builds/a HTTP/1.1\r\nHost: x\r\n"
    with flooded(operator.callback_port, half, count=2 * MOST, peers=1):
        kube.apply(manifest("app"))
        kube.wait_phase("app", "Succeeded")
        assert {operator.get(path)[0] for path in FOR_OTHERS} == {200}
        assert operator.metric('publishbuild_http_connections{port="callback"}') <= MOST_OF_A_PEER
        dropped = [f'publishbuild_http_dropped_total{{port="callback",reason="{why}"}}' for why in ("peer cap", "cap")]
        assert sum(map(operator.metric, dropped)) > 0
    assert operator.call("a", "guess")[0] == 403


def test_the_queue_says_when_builds_would_start(kube: Kube, start_operator: StartOperator, manifest: Manifest) -> None:
    """What waits is told by uid and reason, and once a build has ended by when it starts, after a restart too."""
    operator = start_operator(max_concurrent=1)
    kube.apply(manifest("holds", outcome="hold"))
    kube.wait_phase("holds", "Running")
    kube.apply(manifest("first", priority=1), manifest("second"))
    until(lambda: len(waiting(operator)) == 2, seconds=15, what="two wait")
    uids = [kube.build(name)["metadata"]["uid"] for name in ("first", "second")]
    nothing_known = [
        {"position": position, "uid": uid, "reason": "GlobalLimit", "eta": None}
        for position, uid in enumerate(uids, start=1)
    ]
    assert waiting(operator) == nothing_known
    kube.patch_spec("holds", cancel=True)
    kube.wait_all_ended(3, seconds=60)
    kube.apply(manifest("holds-again", outcome="hold"))
    kube.wait_phase("holds-again", "Running")
    kube.apply(manifest("third"))
    until(lambda: len(waiting(operator)) == 1, seconds=15, what="one waits")
    assert operator.terminate() == 0
    again = start_operator(max_concurrent=1, log="again")
    until(lambda: len(waiting(again)) == 1, seconds=30, what="it waits under the next operator")
    queue = again.queue()
    assert queue is not None
    [third] = queue["waiting"]
    assert third["uid"] == kube.build("third")["metadata"]["uid"]
    assert datetime.fromisoformat(third["eta"]) >= datetime.fromisoformat(queue["time"])
    kube.patch_spec("holds-again", cancel=True)
    kube.wait_phase("third", "Succeeded")
