"""Who may create PublishBuilds and no Jobs, on a real API server: the restricted form, and Secrets by pairs alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from hack.demo.helm import CHART
from publishbuild import names
from publishbuild.models.spec import GitSource, PublishBuildSpec, Source, Submit
from tests.integration.policy.conftest import Stage
from tests.support.kube import Object, own_namespace
from tests.support.policies import build_of, policies_of
from tests.support.waiting import until

pytestmark = pytest.mark.integration

PLAIN: Object = {
    "platform": "ios",
    "profile": "preview",
    "submit": {"enabled": True, "profile": "preview"},
    "priority": 7,
    "concurrencyKey": "app",
    "concurrencyPolicy": "CancelPrevious",
    "backoffLimit": 1,
    "queueTimeoutSeconds": 60,
    "runTimeoutSeconds": 600,
    "ttlSecondsAfterFinished": 60,
    "suspend": True,
    "retryOf": "other",
    "source": {"git": {"url": "https://github.com/evil/app.git", "revision": "v1", "path": "apps/shop"}},
}


def test_a_submitter_builds_any_repository_without_secrets(stage: Stage) -> None:
    """Source, platform, profile, submission, priority, keys and times are open to whoever may create builds."""
    assert stage.submitter.refusal(build_of(**PLAIN)) == ""


REACHING: list[Object] = [
    {"image": "evil"},
    {"command": ["sh", "-c", "env"]},
    {"args": ["x"]},
    {"env": [{"name": "NODE_OPTIONS", "value": "--require=/workspace/x.js"}]},
    {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "any", "key": "any"}}}]},
    {"tolerations": [{"operator": "Exists"}]},
    {"nodeSelector": {"node-role.kubernetes.io/control-plane": ""}},
    {"affinity": {"nodeAffinity": {}}},
    {"podAnnotations": {"cloud.example/role": "admin"}},
    {"imagePullSecrets": [{"name": "registry"}]},
    {"resources": {"requests": {"cpu": "64"}}},
    {"serviceAccountName": "default"},
]


@pytest.mark.parametrize("runner", REACHING, ids="-".join)
def test_a_submitter_has_no_say_about_the_pod(stage: Stage, runner: Object) -> None:
    """Each field of the runner is refused with its name, who asked, what is missing and whom to ask."""
    said = stage.submitter.refusal(build_of(runner=runner))
    assert f"spec.runner.{next(iter(runner))}: not allowed for {stage.submitter.username}" in said
    assert f"who may not create Jobs in namespace {stage.policies.kube.namespace}" in said
    assert "role edit" in said
    assert "\n" not in said


@pytest.mark.parametrize("runner", REACHING, ids="-".join)
def test_who_may_create_jobs_may_ask_for_all_of_it(stage: Stage, runner: Object) -> None:
    """The same fields are open to an account that could create such a Job itself."""
    assert stage.developer.refusal(build_of(runner=runner)) == ""
    assert stage.developer.refusal(build_of(credentialsSecretRef={"name": "any"}, runner=runner)) == ""


def test_the_submitters_role_is_no_more_than_it_says(stage: Stage) -> None:
    """The role gives builds to read, create and change; neither deletion, statuses, Jobs, pods, logs nor Secrets."""
    kube, who = stage.policies.kube, stage.submitter.username

    def may(verb: str, *what: str) -> bool:
        return kube.kubectl("auth", "can-i", verb, *what, "--as", who, check=False).stdout.strip() == "yes"

    builds = f"{names.PLURAL}.{names.GROUP}"
    assert all(may(verb, builds) for verb in ("get", "list", "watch", "create", "patch"))
    beyond: list[tuple[str, ...]] = [("delete", builds), ("update", builds), ("create", "jobs.batch")]
    beyond += [("patch", builds, "--subresource=status"), ("get", "pods", "--subresource=log"), ("create", "pods")]
    beyond += [("get", "secrets"), ("list", "pods"), ("patch", "namespaces")]
    assert not [asked for asked in beyond if may(*asked)]


def test_a_submitter_suspends_and_cancels(stage: Stage) -> None:
    """A build of somebody else's with a runner can still be held and cancelled by a submitter."""
    assert stage.developer.refusal(build_of("held", runner={"image": "x"}, suspend=True), keep=True) == ""
    assert stage.submitter.refusal_of_change("held", priority=3, keep=True) == ""
    assert stage.submitter.refusal_of_change("held", cancel=True) == ""
    assert "immutable" in stage.submitter.refusal_of_change("held", runner={"image": "y"})


def test_it_can_be_turned_off(kubeconfig: Path) -> None:
    """With restrictSubmitters false whoever may create builds may ask for anything, as before."""
    off = {"runnerPolicy": {"restrictSubmitters": False}}
    with own_namespace(kubeconfig) as kube, policies_of(kube, off) as policies:
        submitter = policies.account("submitter", role=policies.submitter_role)
        asks: Any = build_of(credentialsSecretRef={"name": "any"}, runner={"image": "x"})
        until(lambda: not submitter.refusal(asks), seconds=30, what="the account has its rights")


def test_every_field_of_a_build_is_judged() -> None:
    """A field that the models gain is refused to submitters until somebody has decided that it may be open to them."""
    text = (CHART / "templates" / "_submitters.tpl").read_text(encoding="utf-8")
    fields: dict[str, type[BaseModel]] = {
        "spec": PublishBuildSpec,
        "source": Source,
        "git": GitSource,
        "submit": Submit,
    }
    known = {(where, info.alias) for where, model in fields.items() for info in model.model_fields.values()}
    closed = {("spec", "runner")}
    missing = [name for where, name in sorted(known - closed) if f'"{name}"' not in text and name != "git"]
    assert not missing, f"decide whether submitters may set {missing}: _submitters.tpl"
    assert yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))["runnerPolicy"]["restrictSubmitters"]
