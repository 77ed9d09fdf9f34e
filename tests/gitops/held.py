"""Builds that run until a test says how they end: their pods are not let in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.kube import Kube, Object
from tests.support.waiting import until

_NO_PODS: Object = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "no-pods"},
    "spec": {"hard": {"pods": "0"}},
}


@contextmanager
def builds_held(kube: Kube) -> Iterator[None]:
    """Builds of the namespace run and do not end by themselves."""
    kube.kubectl_apply(_NO_PODS)
    until(lambda: _is_in_force(kube), seconds=60, what="the quota is in force")
    try:
        yield
    finally:
        kube.kubectl("delete", "quota", "no-pods")


def wait_running(kube: Kube, name: str) -> Object:
    """The build once it is there and runs."""

    def look() -> Object | None:
        found = [build for build in kube.all_builds() if build["metadata"]["name"] == name]
        return next((build for build in found if build.get("status", {}).get("phase") == "Running"), None)

    return until(look, seconds=60, what=f"{name} runs")


def lose_job(kube: Kube, name: str) -> None:
    """Make a running build fail."""
    job = wait_running(kube, name)["status"]["job"]["name"]
    kube.kubectl("delete", "job", job, "--wait=false")


def _is_in_force(kube: Kube) -> bool:
    return kube.kubectl("get", "quota", "no-pods", "-o", "jsonpath={.status.hard.pods}").stdout == "0"
