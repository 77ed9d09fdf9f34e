"""Builders of real-looking Kubernetes objects and of Facts; tests override by keyword what they speak of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from publishbuild import names
from publishbuild.cluster.live_jobs import LiveJobs
from publishbuild.decide.actions import Action, EmitEvent, ReportStatus
from publishbuild.decide.facts import BuildFacts, Facts, JobFacts, LaunchTrouble, PodFacts, QueueFacts
from publishbuild.models.base import rfc3339
from publishbuild.models.status import PublishBuildStatus
from publishbuild.runner.result import BuildResult, FailureResult, RunResult, SubmissionResult

Object = dict[str, Any]

NOW = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)
UID = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
JOB_UID = "99999999-0000-1111-2222-333333333333"
NAME = "app-1"
NAMESPACE = "shop"
COMMIT = "9d3f0a8b1c2e4d5f6a7b8c9d0e1f2a3b4c5d6e7f"
GIT_URL = "https://git.example/acme/app.git"
IMAGE = "registry.example/publishbuild-runner:test"


def at(seconds: float) -> datetime:
    """The moment that many seconds after NOW."""
    return NOW + timedelta(seconds=seconds)


def a_spec(**fields: Any) -> Object:
    """A small good spec; ``fields`` are in camel case, as on the wire."""
    return {"source": {"git": {"url": GIT_URL}}} | fields


def a_build(
    *,
    name: str = NAME,
    namespace: str = NAMESPACE,
    uid: str = UID,
    version: int = 100,
    generation: int = 1,
    created: datetime = NOW,
    deleting: bool = False,
    spec: Object | None = None,
    status: Object | PublishBuildStatus | None = None,
    **fields: Any,
) -> Object:
    """A PublishBuild as the API server gives it; further ``fields`` go into its spec."""
    metadata: Object = {
        "name": name,
        "namespace": namespace,
        "uid": uid,
        "resourceVersion": str(version),
        "generation": generation,
        "creationTimestamp": rfc3339(created),
        "managedFields": [{"manager": "kubectl", "operation": "Apply"}],
    }
    if deleting:
        metadata["deletionTimestamp"] = rfc3339(created)
    build: Object = {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "metadata": metadata,
        "spec": a_spec(**fields) if spec is None else spec,
    }
    if status is not None:
        build["status"] = status.to_wire() if isinstance(status, PublishBuildStatus) else status
    return build


def a_job(
    *,
    name: str | None = None,
    build_name: str = NAME,
    namespace: str = NAMESPACE,
    uid: str = JOB_UID,
    build_uid: str = UID,
    version: int = 200,
    created: datetime = NOW,
    started: datetime | None = NOW,
    ended: datetime | None = None,
    complete: bool = False,
    failed: str | None = None,
    failed_message: str = "",
    deleting: bool = False,
    succeeded_pods: int = 0,
    failed_pods: int = 0,
    ttl: int | None = None,
    key: str | None = None,
) -> Object:
    """The Job of a build: running, unless ``complete`` or ``failed`` (its reason) says otherwise."""
    end = rfc3339(ended or at(60))
    conditions: list[Object] = []
    status: Object = {"conditions": conditions, "active": 0 if complete or failed else 1}
    if started is not None:
        status["startTime"] = rfc3339(started)
    if complete:
        conditions.append({"type": "Complete", "status": "True", "lastTransitionTime": end})
        status["completionTime"] = end
    if failed is not None:
        conditions.append(
            {
                "type": "Failed",
                "status": "True",
                "reason": failed,
                "message": failed_message,
                "lastTransitionTime": end,
            }
        )
    if succeeded_pods:
        status["succeeded"] = succeeded_pods
    if failed_pods:
        status["failed"] = failed_pods
    metadata: Object = {
        "name": name or names.job_name(build_name, build_uid),
        "namespace": namespace,
        "uid": uid,
        "resourceVersion": str(version),
        "creationTimestamp": rfc3339(created),
        "labels": labels(build_uid, build_name),
        "ownerReferences": [_owner(names.KIND, build_name, build_uid)],
    }
    if key is not None:
        metadata["annotations"] = {names.ANNOTATION_KEY: key}
    if deleting:
        metadata["deletionTimestamp"] = rfc3339(at(30))
    spec: Object = {"backoffLimit": 3}
    if ttl is not None:
        spec["ttlSecondsAfterFinished"] = ttl
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec, "status": status}


def a_pod(
    number: int = 1,
    *,
    name: str | None = None,
    namespace: str = NAMESPACE,
    build_uid: str = UID,
    version: int | None = None,
    created: datetime | None = None,
    phase: str = "Running",
    exit_code: int | None = None,
    reason: str | None = None,
    message: str | None = None,
    pod_reason: str | None = None,
    pod_message: str | None = None,
    waiting: str | None = None,
    waiting_message: str | None = None,
    unschedulable: str | None = None,
    disrupted: bool = False,
    token: str | None = None,
    stages: Mapping[str, Object] | None = None,
) -> Object:
    """The pod of attempt ``number``; ``exit_code`` ends its container and, unless it is given, its phase.

    ``token`` is in its environment, as in that of pods before decision 23. ``stages``: the states of the containers
    that come before the runner's, by their names.
    """
    begun = created or at(20 * (number - 1))
    state: Object = {"running": {"startedAt": rfc3339(begun)}}
    if exit_code is not None:
        state = {
            "terminated": {
                "exitCode": exit_code,
                "reason": reason or ("Completed" if exit_code == 0 else "Error"),
                "startedAt": rfc3339(begun),
                "finishedAt": rfc3339(begun + timedelta(seconds=10)),
            }
        }
        if message is not None:
            state["terminated"]["message"] = message
        if phase == "Running":
            phase = "Succeeded" if exit_code == 0 else "Failed"
    elif waiting is not None:
        phase = "Pending"
        state = {"waiting": {"reason": waiting} | ({"message": waiting_message} if waiting_message else {})}
    conditions: list[Object] = []
    if disrupted:
        conditions.append({"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"})
    status: Object = {"phase": phase, "conditions": conditions}
    if unschedulable is not None:
        status["phase"] = "Pending"
        conditions.append(
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": unschedulable}
        )
    elif pod_reason is None or exit_code is not None:
        status["containerStatuses"] = [{"name": names.RUNNER_CONTAINER, "state": state}]
    if pod_reason is not None:
        status["reason"] = pod_reason
    if pod_message is not None:
        status["message"] = pod_message
    status |= _of_stages(stages)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name or f"pb-{NAME}-0a1b2c3d-{number:05d}",
            "namespace": namespace,
            "uid": f"pod-{name or number}",
            "resourceVersion": str(300 + number if version is None else version),
            "creationTimestamp": rfc3339(begun),
            "labels": labels(build_uid),
            "ownerReferences": [_owner("Job", names.job_name(NAME, build_uid), JOB_UID)],
        },
        "spec": {
            "initContainers": [{"name": name} for name in stages or ()],
            "containers": [_container(token)],
        },
        "status": status,
    }


def _container(token: str | None) -> Object:
    env = [] if token is None else [{"name": names.VARIABLE_TOKEN, "value": token}]
    return {"name": names.RUNNER_CONTAINER, "env": env}


def _of_stages(stages: Mapping[str, Object] | None) -> Object:
    """The part of a pod's status that tells of them."""
    if stages is None:
        return {}
    return {"initContainerStatuses": [{"name": name, "state": state} for name, state in stages.items()]}


def a_stage(exit_code: int | None = 0, *, message: str | None = None, waiting: str | None = None) -> Object:
    """The state of a stage's container: ended, or with None running, or waiting."""
    if waiting is not None:
        return {"waiting": {"reason": waiting, "message": "no such image"}}
    if exit_code is None:
        return {"running": {"startedAt": rfc3339(NOW)}}
    ended: Object = {
        "exitCode": exit_code,
        "reason": "Completed" if exit_code == 0 else "Error",
        "startedAt": rfc3339(NOW),
        "finishedAt": rfc3339(at(5)),
    }
    return {"terminated": ended | ({"message": message} if message is not None else {})}


def _owner(kind: str, name: str, uid: str) -> Object:
    return {"kind": kind, "name": name, "uid": uid, "controller": True}


def labels(build_uid: str = UID, build_name: str = NAME) -> dict[str, str]:
    """The labels of a build's Job and pods."""
    return {
        names.LABEL_MANAGED_BY: names.OPERATOR_NAME,
        names.LABEL_BUILD: build_name,
        names.LABEL_UID: build_uid,
    }


def a_message(
    *, failure: tuple[str, str] | None = None, log_tail: str | None = None, commit: str | None = COMMIT, ids: str = ""
) -> str:
    """A termination message as the Expo runner writes it; ``ids`` names an EAS build and its submission."""
    return RunResult(
        commit=commit,
        builds=(BuildResult(platform="ios", id=f"build-{ids}", status="FINISHED", logs_url="https://expo.example/b"),)
        if ids
        else (),
        submissions=(SubmissionResult(platform="ios", id=f"submission-{ids}", status="FINISHED"),) if ids else (),
        failure=FailureResult(reason=failure[0], message=failure[1]) if failure else None,
        log_tail=log_tail,
    ).to_message()


def queue_facts(**fields: Any) -> QueueFacts:
    """Waiting since NOW with nobody in the way, unless ``fields`` say otherwise."""
    return QueueFacts(**{"entered": NOW} | fields)


def trouble(*, message: str = "quota exceeded", final: bool = False, retry_in: float = 30.0) -> LaunchTrouble:
    """The API server refused the Job."""
    return LaunchTrouble(message=message, final=final, retry_at=at(retry_in))


def facts(
    build: Object | None = None,
    *,
    job: Object | None = None,
    pods: Iterable[Object] = (),
    now: datetime | None = None,
    queue: QueueFacts | Mapping[str, Any] | None = None,
    launch_trouble: LaunchTrouble | None = None,
    image: str = IMAGE,
    superseded_by: str | None = None,
    aging_seconds: int = 0,
    progress: RunResult | None = None,
) -> Facts:
    """One decision's input from Kubernetes objects; ``now`` is past the quiet period unless given."""
    queued = queue if isinstance(queue, QueueFacts) else queue_facts(**(queue or {}))
    return Facts(
        now=now or at(10),
        build=BuildFacts.read(build if build is not None else a_build()),
        queue=queued,
        runner_image=image,
        job=JobFacts.read(job) if job is not None else None,
        pods=tuple(PodFacts.read(pod) for pod in pods),
        trouble=launch_trouble,
        superseded_by=superseded_by,
        aging_seconds=aging_seconds,
        progress=progress,
    )


def reported(actions: Iterable[Action]) -> PublishBuildStatus | None:
    """The one status that the actions write, or None."""
    statuses = [action.status for action in actions if isinstance(action, ReportStatus)]
    assert len(statuses) <= 1, "a pass writes the status once at most"
    return statuses[0] if statuses else None


def events(actions: Iterable[Action]) -> list[EmitEvent]:
    """The events that the actions post."""
    return [action for action in actions if isinstance(action, EmitEvent)]


def with_status(build: Object, status: PublishBuildStatus) -> Object:
    """``build`` after the API server has stored ``status``: as JSON, in whole seconds where it has those."""
    return build | {"status": json.loads(json.dumps(status.to_wire()))}


def counted(jobs: Iterable[JobFacts]) -> LiveJobs:
    """The index over ``jobs`` that the store keeps."""
    live = LiveJobs()
    for job in jobs:
        live.note(job)
    return live
