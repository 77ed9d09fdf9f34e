"""The Job of a build is exactly the contract's."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishbuild.decide.job_manifest import environment, job_manifest
from publishbuild.models.spec import PublishBuildSpec
from tests.builders import GIT_URL, IMAGE, NAME, NAMESPACE, UID, a_spec

CUSTOM: dict[str, Any] = {
    "image": "registry.example/fastlane:3",
    "imagePullPolicy": "Always",
    "imagePullSecrets": [{"name": "pull"}],
    "command": ["fastlane"],
    "args": ["release", ""],
    "env": [
        {"name": "A", "value": ""},
        {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
    ],
    "resources": {"requests": {"cpu": 2, "memory": "1Gi"}, "limits": {"memory": "4Gi"}},
    "serviceAccountName": "builder",
    "nodeSelector": {"pool": "mac"},
    "tolerations": [{"key": "mac", "operator": "Exists", "effect": "NoSchedule", "tolerationSeconds": 0}],
    "affinity": {
        "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [
                {"topologyKey": "kubernetes.io/hostname", "namespaceSelector": {}, "labelSelector": {"matchLabels": {}}}
            ]
        }
    },
    "podAnnotations": {"sidecar.istio.io/inject": "false"},
}


def manifest(**fields: Any) -> dict[str, Any]:
    spec = PublishBuildSpec.model_validate(a_spec(**fields))
    return job_manifest(namespace=NAMESPACE, name=NAME, uid=UID, spec=spec, default_image=IMAGE)


def pod(**fields: Any) -> dict[str, Any]:
    spec: dict[str, Any] = manifest(**fields)["spec"]["template"]["spec"]
    return spec


def container(**fields: Any) -> dict[str, Any]:
    (only,) = pod(**fields)["containers"]
    assert isinstance(only, dict)
    return only


def environ(**fields: Any) -> dict[str, str]:
    return {entry["name"]: entry.get("value") for entry in container(**fields)["env"]}


def test_the_job_of_a_small_build() -> None:
    """The whole Job of a build with defaults, as the contract writes it."""
    made = manifest()
    made["spec"]["template"]["spec"].pop("initContainers")
    container_ = made["spec"]["template"]["spec"].pop("containers")[0]
    labels = {
        "app.kubernetes.io/managed-by": "publishbuild-operator",
        "publishbuild.dev/build": NAME,
        "publishbuild.dev/uid": UID,
    }
    assert made == {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": "pb-app-1-0a1b2c3d",
            "namespace": NAMESPACE,
            "labels": labels,
            "ownerReferences": [
                {
                    "apiVersion": "publishbuild.dev/v1alpha1",
                    "kind": "PublishBuild",
                    "name": NAME,
                    "uid": UID,
                    "controller": True,
                }
            ],
        },
        "spec": {
            "backoffLimit": 3,
            "activeDeadlineSeconds": 7200,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": {
                "rules": [
                    {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                    *(
                        {
                            "action": "FailJob",
                            "onExitCodes": {"containerName": name, "operator": "In", "values": [64]},
                        }
                        for name in ("source", "dependencies", "runner")
                    ),
                ]
            },
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "restartPolicy": "Never",
                    "automountServiceAccountToken": False,
                    "enableServiceLinks": False,
                    "terminationGracePeriodSeconds": 60,
                    "securityContext": {
                        "runAsNonRoot": True,
                        "fsGroup": 65532,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "volumes": [
                        {"name": "workspace", "emptyDir": {}},
                        {"name": "tmp", "emptyDir": {}},
                        {"name": "tmp-dependencies", "emptyDir": {}},
                        {"name": "tmp-source", "emptyDir": {}},
                    ],
                },
            },
        },
    }
    container_.pop("env")
    assert container_ == {
        "name": "runner",
        "image": IMAGE,
        "args": ["publish"],
        "resources": {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"memory": "2Gi"}},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": "workspace", "mountPath": "/workspace"},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108  # the pod's own
        ],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "readOnlyRootFilesystem": True,
        },
    }


def test_the_ttl_is_not_set_at_creation() -> None:
    """The Job cannot vanish before its outcome is on record, so it has no ttl yet."""
    assert "ttlSecondsAfterFinished" not in manifest(ttlSecondsAfterFinished=5)["spec"]


@pytest.mark.parametrize(
    ("fields", "key", "value"),
    [
        pytest.param({"backoffLimit": 0}, "backoffLimit", 0, id="no retries"),
        pytest.param({"runTimeoutSeconds": 60}, "activeDeadlineSeconds", 60, id="run timeout"),
    ],
)
def test_limits_are_the_jobs(fields: dict[str, Any], key: str, value: int) -> None:
    """Retries and run time are Kubernetes's business, with the spec's numbers."""
    assert manifest(**fields)["spec"][key] == value


def test_what_the_runner_is_told() -> None:
    """The runner's environment names the build and what to publish."""
    assert environ() == {
        "PUBLISHBUILD_UID": UID,
        "PUBLISHBUILD_PLAIN_ENV": "",
        "PUBLISHBUILD_NAME": NAME,
        "PUBLISHBUILD_NAMESPACE": NAMESPACE,
        "PUBLISHBUILD_SOURCE_URL": GIT_URL,
        "PUBLISHBUILD_SOURCE_REVISION": "HEAD",
        "PUBLISHBUILD_SOURCE_PATH": ".",
        "PUBLISHBUILD_PLATFORM": "all",
        "PUBLISHBUILD_PROFILE": "production",
        "PUBLISHBUILD_SUBMIT": "true",
        "PUBLISHBUILD_SUBMIT_PROFILE": "production",
        "PUBLISHBUILD_WORKDIR": "/workspace",
        "PUBLISHBUILD_TERMINATION_LOG": "/dev/termination-log",
        "PUBLISHBUILD_PRIVATE_DIR": "/tmp/publishbuild",  # noqa: S108  # the pod's own
    }


@pytest.mark.parametrize(
    ("fields", "variable", "value"),
    [
        pytest.param({"platform": "ios"}, "PLATFORM", "ios", id="platform"),
        pytest.param({"profile": "preview"}, "SUBMIT_PROFILE", "preview", id="submit profile follows the profile"),
        pytest.param({"submit": {"profile": "store"}}, "SUBMIT_PROFILE", "store", id="submit profile"),
        pytest.param({"submit": {"enabled": False}}, "SUBMIT", "false", id="no submission"),
    ],
)
def test_what_the_spec_says_reaches_the_runner(fields: dict[str, Any], variable: str, value: str) -> None:
    """Each choice of the spec is in the environment."""
    assert environ(**fields)[f"PUBLISHBUILD_{variable}"] == value


def test_environment_is_what_the_container_gets() -> None:
    """`environment` is another tool's own part of its variables, in the same order."""
    spec = PublishBuildSpec.model_validate(a_spec())
    assert environment(NAME, NAMESPACE, UID, spec, "") == container(runner={"command": ["make"]})["env"]


def test_the_runner_is_told_what_is_no_secret() -> None:
    """Variables that the spec gives a value are named as plain; those from a Secret are not."""
    secret = {"secretKeyRef": {"name": "expo", "key": "token"}}
    env = [{"name": "REGION", "value": "europe"}, {"name": "FLAVOR", "value": ""}, {"name": "T", "valueFrom": secret}]
    assert environ(runner={"env": env})["PUBLISHBUILD_PLAIN_ENV"] == "REGION,FLAVOR"


def test_pods_know_where_the_operator_is_and_show_a_token_of_their_own() -> None:
    """With a callback the runner gets a token of its pod's for the operator alone, which stands in no object."""
    spec = PublishBuildSpec.model_validate(a_spec())
    made = job_manifest(
        namespace=NAMESPACE,
        name=NAME,
        uid=UID,
        spec=spec,
        default_image=IMAGE,
        callback_url="http://operator:8080/",
    )
    pod_ = made["spec"]["template"]["spec"]
    env = {entry["name"]: entry["value"] for entry in made["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert env["PUBLISHBUILD_CALLBACK_URL"] == f"http://operator:8080/v1/builds/{UID}"
    assert env["PUBLISHBUILD_CALLBACK_TOKEN_FILE"] == "/var/run/publishbuild/callback/token"
    token = {"audience": "publishbuild.dev/operator", "expirationSeconds": 3600, "path": "token"}
    volume = {"name": "callback-token", "projected": {"sources": [{"serviceAccountToken": token}]}}
    mount = {"name": "callback-token", "mountPath": "/var/run/publishbuild/callback", "readOnly": True}
    assert pod_["volumes"][-1] == volume
    assert pod_["containers"][0]["volumeMounts"][-1] == mount
    assert pod_["automountServiceAccountToken"] is False
    assert "annotations" not in made["metadata"]
    assert "CALLBACK_TOKEN" not in {name.removeprefix("PUBLISHBUILD_") for name in env}
    assert not any(volume["name"] == "callback-token" for volume in pod()["volumes"])
    assert not any("CALLBACK" in entry["name"] for entry in container()["env"])


def test_the_runner_reads_its_variables() -> None:
    """Every variable that the operator sets is one that the runner, or a tool in its place, knows by that name."""
    git = {"url": GIT_URL, "secretRef": {"name": "deploy-key"}}
    assert all(re.fullmatch(r"PUBLISHBUILD_[A-Z_]+", name) for name in environ(source={"git": git}))


def test_secrets_are_named_and_never_read() -> None:
    """Another tool has the source Secret mounted read-only and the credentials as environment: by name alone."""
    made = pod(
        source={"git": {"url": GIT_URL, "secretRef": {"name": "deploy-key"}}},
        credentialsSecretRef={"name": "expo"},
        runner={"command": ["make"]},
    )
    (runner,) = made["containers"]
    folder = "/var/run/publishbuild/source"
    assert {"name": "source-secret", "secret": {"secretName": "deploy-key"}} in made["volumes"]
    assert {"name": "source-secret", "mountPath": folder, "readOnly": True} in runner["volumeMounts"]
    assert {"name": "PUBLISHBUILD_SOURCE_SECRET_DIR", "value": folder} in runner["env"]
    assert runner["envFrom"] == [{"secretRef": {"name": "expo"}}]


def test_without_secrets_none_is_mentioned() -> None:
    """A build without Secrets mounts none."""
    assert "ecret" not in json.dumps(pod()).replace("imagePullSecrets", "")


def test_a_custom_runner_is_passed_on() -> None:
    """Everything in spec.runner reaches the pod as it was written."""
    made = pod(runner=CUSTOM)
    (runner,) = made["containers"]
    for key in ("image", "imagePullPolicy", "command", "args", "resources"):
        assert runner[key] == CUSTOM[key], key
    for key in ("imagePullSecrets", "serviceAccountName", "nodeSelector", "tolerations", "affinity"):
        assert made[key] == CUSTOM[key], key
    assert runner["env"][-2:] == CUSTOM["env"]
    template = manifest(runner=CUSTOM)["spec"]["template"]
    assert template["metadata"]["annotations"] == CUSTOM["podAnnotations"]


@pytest.mark.parametrize(
    ("runner", "read_only"),
    [
        pytest.param({}, True, id="the Expo runner"),
        pytest.param({"command": ["make"]}, False, id="another command"),
        pytest.param({"image": "registry.example/x:1"}, False, id="another image"),
    ],
)
def test_security_of_any_runner(runner: dict[str, Any], read_only: bool) -> None:
    """Whatever runs has no root, no privilege and no token; only the Expo runner's file system is read-only too."""
    made = pod(runner=runner)
    (only,) = made["containers"]
    assert made["automountServiceAccountToken"] is False
    assert made["securityContext"]["runAsNonRoot"] is True
    assert made["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "readOnlyRootFilesystem": read_only,
    }


def test_the_concurrency_key_is_on_the_job() -> None:
    """The Job carries its key, so that the key stays busy as long as the Job lives, even without its build."""
    assert manifest(concurrencyKey="a:b")["metadata"]["annotations"] == {"publishbuild.dev/concurrency-key": "a:b"}


names_of_builds = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?", fullmatch=True)


@given(
    name=names_of_builds,
    uid=st.uuids().map(str),
    fields=st.fixed_dictionaries(
        {},
        optional={
            "platform": st.sampled_from(["ios", "android", "all"]),
            "profile": st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True),
            "priority": st.integers(min_value=-1000, max_value=1000),
            "backoffLimit": st.integers(min_value=0, max_value=10),
            "concurrencyKey": st.sampled_from(["k", "a:b"]),
            "runner": st.sampled_from([{}, CUSTOM, {"env": CUSTOM["env"]}]),
        },
    ),
)
def test_the_same_build_gives_the_same_job(name: str, uid: str, fields: dict[str, Any]) -> None:
    """The manifest depends on the build alone, is JSON, and every name and label in it is one Kubernetes takes."""

    def made() -> str:
        spec = PublishBuildSpec.model_validate(a_spec(**fields))
        return json.dumps(job_manifest(namespace="n", name=name, uid=uid, spec=spec, default_image=IMAGE))

    assert made() == made()
    metadata = json.loads(made())["metadata"]
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", metadata["name"])
    assert all(re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", v) for v in metadata["labels"].values())
