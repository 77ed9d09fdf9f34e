"""Who is heard at the operator's callback port: a running pod of the build, by a token that the API server knows."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from publishbuild.decide.job_manifest import job_manifest
from publishbuild.models.spec import PublishBuildSpec
from publishbuild.names import VARIABLE_TOKEN
from tests.builders import IMAGE, a_message
from tests.support.fixtures import Manifest, StartOperator
from tests.support.kube import Kube, Object
from tests.support.operator_process import OperatorProcess
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

REPORT = a_message(commit="f" * 40, ids="forged")


def running(kube: Kube, *names: str) -> list[tuple[str, Object]]:
    """Uid and pod of builds that run."""
    found = []
    for name in names:
        uid = kube.wait_phase(name, "Running")["metadata"]["uid"]
        until(lambda name=name: kube.pods_of(name), seconds=15, what="the pod is there")  # type: ignore[misc]
        found.append((uid, kube.pods_of(name)[0]))
    return found


def heard(operator: OperatorProcess, uid: str, token: str) -> set[int]:
    """What both endpoints answer."""
    return {operator.call(uid, token, REPORT)[0], operator.call(uid, token)[0]}


def test_only_its_own_pods_are_heard(kube: Kube, start_operator: StartOperator, manifest: Manifest) -> None:
    """A build's pod is heard for its own build; no other token that the API server makes, nor a forged one, is."""
    operator = start_operator()
    kube.apply(manifest("own", outcome="hold"), manifest("other", outcome="hold"))
    (uid, pod), (other_uid, other) = running(kube, "own", "other")
    token = kube.pod_token(pod)
    assert heard(operator, uid, token) == {200, 204}
    head, claims, _ = token.split(".")
    later = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4))) | {"exp": 4_000_000_000}
    for refused in (
        kube.pod_token(other),
        kube.pod_token(pod, audience="https://kubernetes.default.svc"),
        kube.pod_token(pod, bound=False),
        f"{head}.{claims}.Zm9yZ2Vk",
        f"{head}.{base64.urlsafe_b64encode(json.dumps(later).encode()).decode().rstrip('=')}.Zm9yZ2Vk",
        "guess",
    ):
        assert heard(operator, uid, refused) == {403}
    assert heard(operator, other_uid, token) == {403}
    at_the_api_server = kube.kubectl("--token", token, "get", "pods", check=False)
    assert "Unauthorized" in at_the_api_server.stderr
    assert heard(operator, uid, "ÿ") == {401}
    # One question for the good token, and one for each that says it is that pod's.
    assert operator.metric('publishbuild_api_requests_total{code="201",resource="tokenreviews",verb="post"}') == 3


def test_no_token_can_be_read(kube: Kube, start_operator: StartOperator, manifest: Manifest) -> None:
    """Whoever may read a build, its Job and its pods reads no token of them."""
    start_operator()
    kube.apply(manifest("own", outcome="hold"))
    [(_, pod)] = running(kube, "own")
    [job] = kube.jobs()
    text = json.dumps([job, pod, kube.build("own")])
    assert not job["metadata"].get("annotations")
    assert f"{VARIABLE_TOKEN}_FILE" in text
    assert f'"{VARIABLE_TOKEN}"' not in text
    [volume] = [one for one in pod["spec"]["volumes"] if one["name"] == "callback-token"]
    assert volume["projected"]["sources"][0]["serviceAccountToken"]["audience"] == "publishbuild.dev/operator"
    assert pod["spec"]["automountServiceAccountToken"] is False


def test_what_is_reported_does_not_outlive_the_pod(
    kube: Kube, start_operator: StartOperator, manifest: Manifest
) -> None:
    """Commit, builds and submissions of a report are shown while its pod runs, and gone at the end of a silent one."""
    operator = start_operator()
    kube.apply(manifest("own", outcome="hold"))
    [(uid, pod)] = running(kube, "own")
    token = kube.pod_token(pod)
    assert operator.call(uid, token, REPORT)[0] == 204
    until(lambda: "build-forged" in str(kube.build("own")["status"]), seconds=15, what="it is shown")
    name = pod["metadata"]["name"]
    kube.kubectl("annotate", "pod", name, "kwok.publishbuild.dev/outcome=succeed", "--overwrite")
    status = kube.wait_phase("own", "Succeeded")["status"]
    assert not {"source", "builds", "submissions", "provisional"} & set(status)
    assert heard(operator, uid, token) == {403}
    assert kube.build("own")["status"] == status


def test_a_build_that_was_launched_before_is_still_heard(
    kube: Kube, start_operator: StartOperator, manifest: Manifest
) -> None:
    """A pod that an older operator launched is heard by the token in its environment, until it ends."""
    kube.apply(manifest("old", outcome="hold"))
    build = kube.build("old")
    uid = build["metadata"]["uid"]
    made: dict[str, Any] = job_manifest(
        namespace=kube.namespace,
        name="old",
        uid=uid,
        spec=PublishBuildSpec.model_validate(build["spec"]),
        default_image=IMAGE,
    )
    made["spec"]["template"]["spec"]["containers"][0]["env"].append({"name": VARIABLE_TOKEN, "value": "old-token"})
    kube.batch.create_namespaced_job(kube.namespace, made)
    operator = start_operator()
    [(_, pod)] = running(kube, "old")
    assert heard(operator, uid, "old-token") == {200, 204}
    assert heard(operator, uid, "") == {401}
    kube.kubectl("annotate", "pod", pod["metadata"]["name"], "kwok.publishbuild.dev/outcome=succeed", "--overwrite")
    kube.wait_phase("old", "Succeeded")
    assert heard(operator, uid, "old-token") == {403}
