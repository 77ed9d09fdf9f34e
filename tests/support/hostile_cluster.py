"""Answers of an API server whose objects say one text wherever a tenant can have them say one."""

from __future__ import annotations

import json

from publishbuild import names
from publishbuild.models.base import rfc3339, rfc3339_micro
from publishbuild.models.crd import crd
from tests.builders import NAME, NAMESPACE, NOW, UID, Object, a_build, a_pod, at
from tests.support.api_standin import Answer, a_list, a_status

WAITING, FAILED, PUBLISHED, STUCK = "waiting-1", NAME, "published-1", "stuck-1"
REFUSED = "refused"
"""A namespace in which nothing may be listed."""
_BUILDS = f"/apis/{names.API_VERSION}"
_INSIDE = f"/namespaces/{NAMESPACE}"
LOG = f"/api/v1{_INSIDE}/pods/{a_pod()['metadata']['name']}/log"
"""The path of the log of the one that failed."""


def condition(status: str, reason: str, message: str) -> Object:
    since = rfc3339(NOW)
    return {"type": "Succeeded", "status": status, "reason": reason, "message": message, "lastTransitionTime": since}


def builds_saying(text: str) -> list[Object]:
    """One that waits, one that failed, one that was published, one whose pod cannot start."""
    remote = {"platform": "ios", "id": text, "status": text}
    made = {
        "builds": [remote | {"logsURL": text, "artifactURL": text, "appVersion": text, "appBuildVersion": text}],
        "submissions": [remote | {"url": text}],
        "source": {"commit": text},
        "startTime": rfc3339(NOW),
    }
    attempt = {"number": 1, "pod": "gone", "reason": text, "message": text, "finishTime": rfc3339(at(5))}
    failure = {"reason": text, "message": text, "pod": "gone", "logTail": f"before\n{_one_line(text)}"}
    queue = {"reason": text, "position": 2}
    return [
        a_build(
            name=WAITING, uid="w", profile=text,
            status={"phase": "Queued", "queue": queue, "conditions": [condition("Unknown", text, text)]},
        ),
        a_build(
            name=FAILED, uid=UID, profile=text,
            status={
                **made, "phase": "Failed", "failure": failure, "failedAttempts": [attempt],
                "conditions": [condition("False", "BackoffLimitExceeded", text)],
            },
        ),
        a_build(
            name=PUBLISHED, uid="p",
            status={**made, "phase": "Succeeded", "conditions": [condition("True", "Succeeded", text)]},
        ),
        a_build(
            name=STUCK, uid="s", concurrencyKey=text,
            status={
                "phase": "Running", "job": {"name": "pb-stuck", "uid": "j"}, "startTime": rfc3339(NOW),
                "conditions": [condition("Unknown", "Running", f"the pod cannot start, Image{text}")],
            },
        ),
    ]  # fmt: skip


def answers_saying(text: str) -> dict[str, Answer]:
    """What the API server answers, by path."""
    builds = {build["metadata"]["name"]: build for build in builds_saying(text)}
    ended, stuck = a_pod(exit_code=1, message=text), a_pod(waiting=text, waiting_message=text, name="stuck")
    event = {
        "reason": text, "message": text, "lastTimestamp": rfc3339(NOW), "metadata": {"creationTimestamp": rfc3339(NOW)},
    }  # fmt: skip
    operator = {"name": "publishbuild-operator", "namespace": "publish", "labels": {"app.kubernetes.io/version": text}}
    deployment = {"metadata": operator, "spec": {"replicas": 1}, "status": {"readyReplicas": 1}}
    lease = {"spec": {"holderIdentity": text, "leaseDurationSeconds": 10**9, "renewTime": rfc3339_micro(NOW)}}
    queue = {
        "limit": 2, "running": 2, "redis": "up",
        "waiting": [{"position": 1, "uid": "w", "reason": text, "eta": None}],
    }  # fmt: skip
    return {
        **{f"{_BUILDS}{_INSIDE}/publishbuilds/{name}": Answer(build) for name, build in builds.items()},
        f"{_BUILDS}{_INSIDE}/publishbuilds": a_list(*builds.values()),
        f"/api/v1{_INSIDE}/pods": a_list(ended, stuck),
        LOG: Answer(pod_log(text)),
        f"/api/v1{_INSIDE}/pods/stuck/log": a_status(400, "BadRequest", text),
        f"/api/v1{_INSIDE}/events": a_list(event),
        "/api/v1/services": a_list({"metadata": {"name": "op", "namespace": "publish"}}),
        "/api/v1/namespaces/publish/services/http:op:http/proxy/v1/queue": Answer(queue),
        "/version": Answer({"gitVersion": text}),
        "/apis/apps/v1/deployments": a_list(deployment),
        f"/apis/coordination.k8s.io/v1/namespaces/publish/leases/{names.OPERATOR_NAME}": Answer(lease),
        "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies": a_list({"metadata": {"name": text}}),
        f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{names.PLURAL}.{names.GROUP}": Answer(_crd(text)),
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews": a_status(403, "Forbidden", text),
        f"{_BUILDS}/namespaces/{REFUSED}/publishbuilds": a_status(403, "Forbidden", text),
        f"{_BUILDS}/namespaces/{REFUSED}/publishbuilds/{FAILED}": a_status(422, "Invalid", text),
        f"/api/v1{_INSIDE}": a_status(403, "Forbidden", text),
    }


def pod_log(text: str) -> str:
    """A line of a tool's own, one of the Expo runner's, and one that is JSON of a tool's own."""
    runner = {"timestamp": "2026-03-02T09:30:12Z", "level": text, "event": text, text: {"deep": [text]}}
    return "\n".join([_one_line(text), json.dumps(runner), json.dumps({"its own": text}, ensure_ascii=False), ""])


def _one_line(text: str) -> str:
    """``text`` as a log has it: there a line break ends one line and begins another, and no harm."""
    return text.replace("\r\n", " ").replace("\n", " ")


def _crd(field: str) -> Object:
    ours: Object = json.loads(json.dumps(crd()))
    properties = ours["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    properties["spec"]["properties"][f"a{field}"] = {"type": "string"}
    return ours | {"status": {"conditions": [{"type": "Established", "status": "True"}]}}
