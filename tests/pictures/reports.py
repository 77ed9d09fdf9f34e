"""Reports to the operator as a runner makes them, for pods that are only pretended."""

from __future__ import annotations

from http import HTTPStatus

from publishbuild.runner.result import BuildResult, RunResult
from tests.support.kube import Kube
from tests.support.operator_process import OperatorProcess
from tests.support.waiting import until

IOS, ANDROID = "7c1f20e4", "b20d9c33"
COMMIT = "9d3f0a8b1c2e4d5f6a7b8c9d0e1f2a3b4c5d6e7f"


def eas_build(platform: str, status: str) -> BuildResult:
    build = IOS if platform == "ios" else ANDROID
    url = f"https://expo.dev/accounts/acme/projects/shop/builds/{build}"
    return BuildResult(platform=platform, id=build, status=status, logs_url=url)


def report(kube: Kube, operator: OperatorProcess, name: str, result: RunResult) -> None:
    """Tell the operator how far the build is, with the token of its newest pod."""
    uid = kube.build(name)["metadata"]["uid"]
    pods = until(lambda: kube.pods_of(name), seconds=15, what="the pod is there")
    token = kube.pod_token(max(pods, key=lambda one: str(one["metadata"]["creationTimestamp"])))
    # The operator may see the pod a moment later.
    said = result.to_message()
    until(lambda: operator.call(uid, token, said)[0] == HTTPStatus.NO_CONTENT, seconds=15, what="the report is heard")
