"""EAS answers 502 for a minute at each step on a real node: the build succeeds all the same, and is paid for once."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import AskedOfEas, Publish
from tests.e2e.standin_eas import Eas
from tests.support.kube import Kube

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1500)]

STEPS = (
    "ViewBuildsOnApp",
    "upload",
    "CreateAndroidBuildMutation",
    "BuildsByIdQuery",
    "GetAllSubmissionsForApp",
    "CreateAndroidSubmissionMutation",
)


def test_a_minute_of_502_at_each_step(kube: Kube, publish: Publish, asked_of_eas: AskedOfEas, eas: Eas) -> None:
    """Each step's minute begins with its first request, so one build meets them one after the other."""
    eas.post("settings", {"faults": [{"operation": step, "kind": "status", "seconds": 60} for step in STEPS]})
    try:
        kube.kubectl_apply(publish("outage", platform="android", backoffLimit=10))
        build = kube.wait_phase("outage", "Succeeded", "Failed", seconds=1200)
    finally:
        eas.post("settings", {"faults": []})
    assert build["status"]["phase"] == "Succeeded"
    assert asked_of_eas(build) == {"builds": {"android": 1}, "submissions": {"android": 1}}
