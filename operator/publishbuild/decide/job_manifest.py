"""The one Job of a build, from its spec alone: the same build always gives the same manifest."""

from __future__ import annotations

from typing import Any

from publishbuild import names
from publishbuild.decide import job_stages
from publishbuild.decide.job_stages import SOURCE_SECRET_DIR, SOURCE_SECRET_VARIABLE, WORKDIR
from publishbuild.models.spec import PublishBuildSpec

TOKEN_DIR = "/var/run/publishbuild/callback"  # noqa: S105  # a folder, not a secret
TOKEN_FILE = "token"  # noqa: S105  # a file's name
# The kubelet brings a new one in time; one that was stolen ends with its pod.
TOKEN_SECONDS = 3600
TERMINATION_LOG = "/dev/termination-log"
GRACE_SECONDS = 60
RUNNER_GROUP = 65532
DEFAULT_RESOURCES = {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"memory": "2Gi"}}

Manifest = dict[str, Any]


def job_manifest(
    *,
    namespace: str,
    name: str,
    uid: str,
    spec: PublishBuildSpec,
    default_image: str,
    callback_url: str = "",
) -> Manifest:
    """The Job as sent to the API server.

    It has no ttlSecondsAfterFinished yet: that is set once the outcome is on record, so that Kubernetes cannot remove
    the Job and its pods before the operator, were it down, has read them (decision 0004).
    """
    labels = {
        names.LABEL_MANAGED_BY: names.OPERATOR_NAME,
        names.LABEL_BUILD: name,
        names.LABEL_UID: uid,
    }
    owner = {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "name": name,
        "uid": uid,
        "controller": True,
    }
    pod = _pod(spec, default_image, environment(name, namespace, uid, spec, callback_url))
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": _without_empty(
            {
                "name": names.job_name(name, uid),
                "namespace": namespace,
                "labels": labels,
                "annotations": {names.ANNOTATION_KEY: spec.concurrency_key} if spec.concurrency_key else None,
                "ownerReferences": [owner],
            }
        ),
        "spec": {
            "backoffLimit": spec.backoff_limit,
            "activeDeadlineSeconds": spec.run_timeout_seconds,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": _failure_policy(job_stages.stages_of(spec.runner)),
            "template": {
                "metadata": _without_empty({"labels": labels, "annotations": spec.runner.pod_annotations}),
                "spec": _with_token(pod) if callback_url else pod,
            },
        },
    }


def _failure_policy(containers: tuple[str, ...]) -> Manifest:
    """An eviction counts for nothing; exit code 64 of any container of ours ends the Job."""
    give_up = [
        {
            "action": "FailJob",
            "onExitCodes": {"containerName": name, "operator": "In", "values": [names.EXIT_GIVE_UP]},
        }
        for name in containers
    ]
    return {
        "rules": [
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            *give_up,
        ]
    }


def _pod(spec: PublishBuildSpec, default_image: str, variables: list[dict[str, str]]) -> Manifest:
    runner = spec.runner.to_wire()
    placed = {key: runner.get(key) for key in ("nodeSelector", "tolerations", "affinity", "imagePullSecrets")}
    *earlier, last = (
        _container(spec, default_image, stage, job_stages.stage_variables(spec, stage, variables))
        for stage in job_stages.stages_of(spec.runner)
    )
    return _without_empty(
        {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "serviceAccountName": spec.runner.service_account_name,
            "terminationGracePeriodSeconds": GRACE_SECONDS,
            "securityContext": {
                "runAsNonRoot": True,
                "fsGroup": RUNNER_GROUP,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            **placed,
            "initContainers": earlier or None,
            "containers": [last],
            "volumes": job_stages.volumes(spec),
        }
    )


def _with_token(pod: Manifest) -> Manifest:
    """The pod with a token of its own for the operator and nobody else, in the runner's container alone."""
    source = {"audience": names.CALLBACK_AUDIENCE, "expirationSeconds": TOKEN_SECONDS, "path": TOKEN_FILE}
    volume = {"name": names.VOLUME_TOKEN, "projected": {"sources": [{"serviceAccountToken": source}]}}
    mount = {"name": names.VOLUME_TOKEN, "mountPath": TOKEN_DIR, "readOnly": True}
    containers = [
        one | {"volumeMounts": [*one["volumeMounts"], mount]} if one["name"] == names.RUNNER_CONTAINER else one
        for one in pod["containers"]
    ]
    return pod | {"containers": containers, "volumes": [*pod["volumes"], volume]}


def _container(spec: PublishBuildSpec, default_image: str, stage: str, variables: job_stages.Variables) -> Manifest:
    runner, wire = spec.runner, spec.runner.to_wire()
    credentials = spec.credentials_secret_ref if stage == names.RUNNER_CONTAINER else None
    work = names.PUBLISH_STAGE if stage == names.RUNNER_CONTAINER else stage
    return _without_empty(
        {
            "name": stage,
            "image": runner.image or default_image,
            "imagePullPolicy": runner.image_pull_policy,
            "command": wire.get("command"),
            "args": [work] if job_stages.is_staged(runner) else wire.get("args"),
            "env": variables,
            "envFrom": [{"secretRef": {"name": credentials.name}}] if credentials else None,
            "resources": wire.get("resources") or DEFAULT_RESOURCES,
            "terminationMessagePath": TERMINATION_LOG,
            "terminationMessagePolicy": "FallbackToLogsOnError",
            "volumeMounts": job_stages.stage_mounts(spec, stage),
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "runAsNonRoot": True,
                # Another build tool may write anywhere in its own image; ours needs its volumes alone.
                "readOnlyRootFilesystem": runner.command is None and runner.image is None,
            },
        }
    )


def environment(name: str, namespace: str, uid: str, spec: PublishBuildSpec, callback_url: str) -> list[dict[str, str]]:
    """What the runner reads, and what any other tool in its place may read; not every stage gets all of it."""
    git = spec.source.git
    values = {
        "PUBLISHBUILD_UID": uid,
        "PUBLISHBUILD_NAME": name,
        "PUBLISHBUILD_NAMESPACE": namespace,
        "PUBLISHBUILD_SOURCE_URL": git.url,
        "PUBLISHBUILD_SOURCE_REVISION": git.revision,
        "PUBLISHBUILD_SOURCE_PATH": git.path,
        "PUBLISHBUILD_PLATFORM": spec.platform.value,
        "PUBLISHBUILD_PROFILE": spec.profile,
        "PUBLISHBUILD_SUBMIT": "true" if spec.submit.enabled else "false",
        "PUBLISHBUILD_SUBMIT_PROFILE": spec.submit_profile,
        "PUBLISHBUILD_WORKDIR": WORKDIR,
        "PUBLISHBUILD_TERMINATION_LOG": TERMINATION_LOG,
    }
    # All else in the runner's environment is from a Secret, or as good as that, and is kept out of its log.
    values["PUBLISHBUILD_PLAIN_ENV"] = ",".join(
        one["name"] for one in spec.runner.to_wire().get("env", []) if "value" in one
    )
    if git.secret_ref:
        values[SOURCE_SECRET_VARIABLE] = SOURCE_SECRET_DIR
    if callback_url:
        values["PUBLISHBUILD_CALLBACK_URL"] = f"{callback_url.rstrip('/')}/v1/builds/{uid}"
        values[names.VARIABLE_TOKEN_FILE] = f"{TOKEN_DIR}/{TOKEN_FILE}"
    return [{"name": key, "value": value} for key, value in values.items()]


def _without_empty(manifest: Manifest) -> Manifest:
    return {key: value for key, value in manifest.items() if value is not None}
