"""The Expo runner's pod does an attempt in three containers, and each has no more credentials than its work needs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from publishbuild import names
from publishbuild.decide.job_manifest import TOKEN_DIR, job_manifest
from publishbuild.models.spec import PublishBuildSpec
from tests.builders import GIT_URL, IMAGE, NAME, NAMESPACE, UID, a_spec

TOKEN = {"name": "NPM_TOKEN", "valueFrom": {"secretKeyRef": {"name": "npm", "key": "token"}}}
STORE = {"name": "ASC_KEY", "valueFrom": {"secretKeyRef": {"name": "store", "key": "key"}}}
PLAIN = {"name": "REGION", "value": "europe"}
SHARED = {"name": "REGISTRY", "valueFrom": {"configMapKeyRef": {"name": "npm", "key": "url"}}}
FIELDS: dict[str, Any] = {
    "source": {"git": {"url": GIT_URL, "secretRef": {"name": "deploy-key"}}},
    "credentialsSecretRef": {"name": "expo"},
}


def pod(**runner: Any) -> dict[str, Any]:
    spec = PublishBuildSpec.model_validate(a_spec(**FIELDS, runner=runner))
    operator = "http://operator:8080"
    made = job_manifest(namespace=NAMESPACE, name=NAME, uid=UID, spec=spec, default_image=IMAGE, callback_url=operator)
    template: dict[str, Any] = made["spec"]["template"]["spec"]
    return template


def stages(**runner: Any) -> dict[str, dict[str, Any]]:
    made = pod(**runner)
    return {one["name"]: one for one in (*made.get("initContainers", ()), *made["containers"])}


def variables(container: dict[str, Any]) -> set[str]:
    return {entry["name"] for entry in container["env"]}


def test_the_stages_run_one_after_the_other_and_each_knows_its_work() -> None:
    """Source, then dependencies, then the runner, from the same image and with the same resources."""
    made = stages()
    assert {name: one["args"] for name, one in made.items()} == {
        "source": ["source"],
        "dependencies": ["dependencies"],
        "runner": ["publish"],
    }
    assert list(made) == ["source", "dependencies", "runner"]
    for key in ("image", "resources", "securityContext", "terminationMessagePath", "terminationMessagePolicy"):
        assert len({json.dumps(one[key]) for one in made.values()}) == 1, key


def test_only_the_source_stage_has_gits_secret() -> None:
    """The Secret is mounted into the first container, and only that one is told of it."""
    for name, one in stages().items():
        mounted = any(mount["name"] == "source-secret" for mount in one["volumeMounts"])
        assert mounted is (name == "source"), name
        assert ("PUBLISHBUILD_SOURCE_SECRET_DIR" in variables(one)) is mounted, name


def test_only_the_runner_has_the_credentials_and_the_operators_token() -> None:
    """The other two name neither the credentials Secret nor a callback, in whatever field."""
    for name, one in stages().items():
        text = json.dumps(one)
        for word in ("expo", TOKEN_DIR, "CALLBACK"):
            assert (word in text) is (name == "runner"), (name, word)


def test_a_variable_from_a_secret_is_for_the_runner_unless_it_is_granted() -> None:
    """What the spec grants a stage is there too; what says nothing secret is everywhere, and `stages` nowhere."""
    made = stages(env=[TOKEN | {"stages": ["dependencies"]}, STORE, PLAIN, SHARED])
    given = {name: variables(one) & {"NPM_TOKEN", "ASC_KEY", "REGION", "REGISTRY"} for name, one in made.items()}
    assert given == {
        "source": {"REGION", "REGISTRY"},
        "dependencies": {"NPM_TOKEN", "REGION", "REGISTRY"},
        "runner": {"NPM_TOKEN", "ASC_KEY", "REGION", "REGISTRY"},
    }
    assert not any("stages" in entry for one in made.values() for entry in one["env"])


def test_install_scripts_see_a_folder_of_their_own() -> None:
    """The dependencies stage sees its own part of the work volume and its own /tmp, at the paths of the others."""
    made = stages()
    mounts = {name: {one["mountPath"]: one for one in stage["volumeMounts"]} for name, stage in made.items()}
    assert mounts["dependencies"] == {
        "/workspace": {"name": "workspace", "mountPath": "/workspace", "subPath": "dependencies"},
        "/tmp": {"name": "tmp-dependencies", "mountPath": "/tmp"},  # noqa: S108  # the pod's own
    }
    assert mounts["source"]["/workspace"] == mounts["runner"]["/workspace"]
    assert "subPath" not in mounts["runner"]["/workspace"]
    temporary = {stage["/tmp"]["name"] for stage in mounts.values()}  # noqa: S108  # as above
    assert len(temporary) == 3


def test_what_a_stage_keeps_for_itself_lies_in_its_own_tmp() -> None:
    """Home, keys and the password's helper are on no volume that another stage sees."""
    made = stages()
    for name in ("source", "runner"):
        private = {entry["name"]: entry["value"] for entry in made[name]["env"]}["PUBLISHBUILD_PRIVATE_DIR"]
        assert private.startswith("/tmp/"), name  # noqa: S108  # as above
    assert "PUBLISHBUILD_PRIVATE_DIR" not in variables(made["dependencies"])


@pytest.mark.parametrize("runner", [{"command": ["make"]}, {"args": ["cancel"]}])
def test_another_tool_keeps_its_one_container(runner: dict[str, Any]) -> None:
    """With a command or arguments the protocol is as it was: one container with all that it is given."""
    made = pod(env=[TOKEN, STORE], **runner)
    assert "initContainers" not in made
    (only,) = made["containers"]
    assert {"PUBLISHBUILD_SOURCE_SECRET_DIR", "PUBLISHBUILD_CALLBACK_TOKEN_FILE", "NPM_TOKEN", "ASC_KEY"} <= variables(
        only
    )
    assert "PUBLISHBUILD_PRIVATE_DIR" not in variables(only)
    assert only.get("args") == runner.get("args")
    assert {volume["name"] for volume in made["volumes"]} == {
        "workspace",
        "tmp",
        "source-secret",
        names.VOLUME_TOKEN,
    }


@pytest.mark.parametrize(
    ("runner", "containers"),
    [({}, ["source", "dependencies", "runner"]), ({"command": ["make"]}, ["runner"])],
)
def test_64_of_any_container_ends_the_job(runner: dict[str, Any], containers: list[str]) -> None:
    """The Job controller is told of each container by its name: those that others inject do not count."""
    spec = PublishBuildSpec.model_validate(a_spec(runner=runner))
    made = job_manifest(namespace=NAMESPACE, name=NAME, uid=UID, spec=spec, default_image=IMAGE)
    rules = made["spec"]["podFailurePolicy"]["rules"]
    assert [rule["onExitCodes"]["containerName"] for rule in rules if rule["action"] == "FailJob"] == containers
