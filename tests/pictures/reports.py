"""Reports to the operator as a runner makes them, for pods that are only pretended."""

from __future__ import annotations

import contextlib
import http.client
from http import HTTPStatus

from publishbuild.names import ANNOTATION_TOKEN
from publishbuild.runner.result import BuildResult, RunResult
from tests.support.kube import Kube
from tests.support.operator_process import OperatorProcess

IOS, ANDROID = "7c1f20e4", "b20d9c33"
COMMIT = "9d3f0a8b1c2e4d5f6a7b8c9d0e1f2a3b4c5d6e7f"


def eas_build(platform: str, status: str) -> BuildResult:
    build = IOS if platform == "ios" else ANDROID
    url = f"https://expo.dev/accounts/acme/projects/shop/builds/{build}"
    return BuildResult(platform=platform, id=build, status=status, logs_url=url)


def report(kube: Kube, operator: OperatorProcess, name: str, result: RunResult) -> None:
    """Tell the operator how far the build is, with the token of its Job."""
    uid = kube.build(name)["metadata"]["uid"]
    [token] = [
        job["metadata"]["annotations"][ANNOTATION_TOKEN]
        for job in kube.jobs()
        if job["metadata"]["ownerReferences"][0]["uid"] == uid
    ]
    headers = {"Authorization": f"Bearer {token}"}
    connection = http.client.HTTPConnection("127.0.0.1", operator.callback_port, timeout=5)
    with contextlib.closing(connection):
        connection.request("POST", f"/v1/builds/{uid}", result.to_message(), headers)
        answer = connection.getresponse()
        assert answer.status == HTTPStatus.NO_CONTENT, answer.read()
