"""What shows while a build runs at EAS, and that cancelling it stops it there: real node, real eas-cli."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Publish
from tests.e2e.standin_eas import Eas
from tests.support.kube import Kube, Object, condition
from tests.support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.fixture
def long_queue(eas: Eas) -> Iterator[Eas]:
    """An EAS whose builds stay in its queue."""
    eas.post("settings", {"stages": {"in_queue": 3600}})
    yield eas
    eas.post("settings", {"stages": {"in_queue": 1}})


def _message(build: Object) -> str:
    said: str = condition(build, "Succeeded").get("message", "")
    return said


def test_a_build_in_eas_queue_shows_where_and_is_cancelled_there(kube: Kube, publish: Publish, long_queue: Eas) -> None:
    """`kubectl describe` shows id, page and place in EAS's queue meanwhile; cancel stops the EAS build too."""
    kube.kubectl_apply(publish("queued", platform="android"))
    until(lambda: "IN_QUEUE at EAS, position 1" in _message(kube.build("queued")), seconds=240, what="the place shown")
    shown = kube.kubectl("describe", "pb/queued").stdout
    [remote] = kube.build("queued")["status"]["builds"]
    assert remote["id"] in shown
    assert remote["logsURL"].endswith(f"/builds/{remote['id']}")
    assert remote["logsURL"] in shown
    kube.patch_spec("queued", cancel=True)
    build = kube.wait_phase("queued", "Cancelled", seconds=90)
    assert f"android build {remote['id']} was canceled on EAS" in _message(build)
    assert [(b["id"], b["status"]) for b in build["status"]["builds"]] == [(remote["id"], "CANCELED")]
    assert {b["id"]: b["status"] for b in long_queue.get("builds")}[remote["id"]] == "CANCELED"


def test_a_deleted_build_is_cancelled_at_eas(kube: Kube, publish: Publish, long_queue: Eas) -> None:
    """`kubectl delete pb` of a build that runs leaves nothing going on at EAS, and hangs on nothing."""
    kube.kubectl_apply(publish("gone", platform="android"))
    until(lambda: long_queue.get("builds"), seconds=240, what="the EAS build")
    kube.kubectl("delete", "pb/gone", "--timeout=30s")
    until(lambda: {b["status"] for b in long_queue.get("builds")} == {"CANCELED"}, seconds=90, what="canceled at EAS")
