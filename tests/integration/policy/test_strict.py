"""Strict mode on a real API server: it holds for everybody, whatever rights they have, and lets `helm test` through."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.kube import Object, own_namespace
from tests.support.policies import Policies, build_of, policies_of
from tests.support.waiting import until

pytestmark = pytest.mark.integration

HOME = "operators-own"
STRICT: Object = {"enabled": True, "secretNames": ["expo", "publish-*"]}
VALUES: Object = {"runnerPolicy": {"strict": STRICT, "images": ["tool"]}, "imagePullSecrets": [{"name": "registry"}]}
OPENED: Object = {"strict": {**STRICT, "allow": ["command", "env", "valueFrom", "tolerations"]}}


@pytest.fixture(scope="module")
def strict(kubeconfig: Path) -> Iterator[Policies]:
    """A namespace in strict mode with one pair, and an operator elsewhere."""
    with own_namespace(kubeconfig) as kube, policies_of(kube, VALUES, home=HOME) as made:
        made.pair("paired https://github.com/acme/")
        paired = build_of(credentialsSecretRef={"name": "paired"})
        until(lambda: not made.admin.refusal(paired), seconds=30, what="the policy sees the annotation")
        yield made


@pytest.fixture(scope="module")
def opened(kubeconfig: Path) -> Iterator[Policies]:
    """The same, with a few fields allowed."""
    with own_namespace(kubeconfig) as kube, policies_of(kube, {"runnerPolicy": OPENED}, home=HOME) as made:
        yield made


CLOSED: list[Object] = [
    {"command": ["sh"]},
    {"args": ["x"]},
    {"env": [{"name": "A", "value": "b"}]},
    {"tolerations": [{"operator": "Exists"}]},
    {"nodeSelector": {"node-role.kubernetes.io/control-plane": ""}},
    {"affinity": {"nodeAffinity": {}}},
    {"podAnnotations": {"cloud.example/role": "admin"}},
]


@pytest.mark.parametrize("runner", CLOSED, ids="-".join)
def test_even_the_admin_asks_for_what_is_allowed(strict: Policies, runner: Object) -> None:
    """Command, environment, placement and annotations are refused to everybody, with the value that allows them."""
    said = strict.admin.refusal(build_of(runner=runner))
    assert f"spec.runner.{next(iter(runner))}: not allowed in builds of this cluster" in said
    assert "runnerPolicy.strict.allow" in said
    assert "\n" not in said


def test_the_rest_of_the_runner_is_open(strict: Policies) -> None:
    """A listed image, its pulling and resources are open."""
    resources = {"requests": {"cpu": "1"}}
    asks = {"image": "tool:1", "imagePullPolicy": "Always", "resources": resources, "serviceAccountName": "default"}
    assert strict.admin.refusal(build_of(runner=asks)) == ""
    assert "evil is not among tool" in strict.admin.refusal(build_of(runner={"image": "evil"}))


def test_without_listed_images_there_is_the_operators_own(opened: Policies) -> None:
    """In strict mode no list of images means none but the default one."""
    assert opened.admin.refusal(build_of()) == ""
    assert "is not among those listed (none)" in opened.admin.refusal(build_of(runner={"image": "evil"}))


def test_allowed_fields_are_open(opened: Policies) -> None:
    """What `allow` names may be set, and nothing else."""
    asks = {"command": ["sh"], "env": [{"name": "A", "value": "b"}], "tolerations": [{"operator": "Exists"}]}
    assert opened.admin.refusal(build_of(runner=asks)) == ""
    assert "spec.runner.args" in opened.admin.refusal(build_of(runner={**asks, "args": ["x"]}))


def test_value_from_is_allowed_by_itself(kubeconfig: Path) -> None:
    """Allowing env does not allow values from elsewhere."""
    values = {"runnerPolicy": {"strict": {"enabled": True, "allow": ["env"]}}}
    with own_namespace(kubeconfig) as kube, policies_of(kube, values, home=HOME) as made:
        assert made.admin.refusal(build_of(runner={"env": [{"name": "A", "value": "b"}]})) == ""
        said = made.admin.refusal(build_of(runner={"env": [from_secret("expo")]}))
        assert "spec.runner.env: STOLEN: valueFrom is not allowed" in said


def from_secret(name: str) -> Object:
    """A variable from a Secret."""
    return {"name": "STOLEN", "valueFrom": {"secretKeyRef": {"name": name, "key": "k"}}}


def naming(place: str, secret: str, **elsewhere: Any) -> Object:
    """A build that names a Secret at ``place``."""
    made = build_of(**elsewhere)
    spec = made["spec"]
    if place == "credentials":
        spec["credentialsSecretRef"] = {"name": secret}
    elif place == "git":
        spec["source"]["git"]["secretRef"] = {"name": secret}
    elif place == "pull":
        spec["runner"] = {"imagePullSecrets": [{"name": secret}]}
    else:
        spec["runner"] = {"env": [from_secret(secret)]}
    return made


@pytest.mark.parametrize("place", ["credentials", "git", "pull"])
def test_secrets_are_listed_or_paired(strict: Policies, place: str) -> None:
    """Wherever a Secret is named, it is listed, begins as an entry with *, or is paired with the repository."""
    for name in ("expo", "publish-stores", "paired"):
        assert strict.admin.refusal(naming(place, name)) == ""
    for name in ("expo2", "exp", "xpublish-a", "publish", "registry"):
        said = strict.admin.refusal(naming(place, name))
        assert f"Secret {name} may not be used by builds of this repository" in said
        assert "runnerPolicy.strict.secretNames (expo, publish-*)" in said
        assert "\n" not in said
    assert "Secret paired" in strict.admin.refusal(naming(place, "paired", url="https://github.com/mallory/app.git"))


def test_variables_from_secrets_are_no_way_around(opened: Policies) -> None:
    """Where valueFrom is allowed the Secret still has to be listed; other sources stay open."""
    assert opened.admin.refusal(naming("env", "expo")) == ""
    assert "Secret redis may not be used" in opened.admin.refusal(naming("env", "redis"))
    node = {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}
    assert opened.admin.refusal(build_of(runner={"env": [node]})) == ""


def test_a_long_list_of_what_is_wrong_is_cut(opened: Policies) -> None:
    """However much is wrong, the line says what and who allows it; the API server drops a message that is too long."""
    env = [{**from_secret(f"secret-{n}-{'x' * 200}"), "name": f"A{n}"} for n in range(200)]
    said = opened.admin.refusal(build_of(runner={"env": env}))
    assert "denied request: Secret secret-0-xxx" in said
    assert "runnerPolicy.strict.secretNames" in said
    assert len(said) < 2000


def helm_test_build(policies: Policies, values: Object) -> Any:
    """The build of `helm test`."""
    [build] = [one for one in policies.chart(values) if one["kind"] == "PublishBuild"]
    return build


def test_the_build_of_helm_test_is_let_through(strict: Policies) -> None:
    """It has a command and the chart's pull secrets, and is taken as it is; what only looks like it is not."""
    build = helm_test_build(strict, VALUES)
    assert strict.admin.refusal(build) == ""
    for field, value in (("command", ["sh", "-c", "env"]), ("env", [{"name": "A", "value": "b"}]), ("args", ["x"])):
        other = copy.deepcopy(build)
        other["spec"]["runner"][field] = value
        assert "not allowed" in strict.admin.refusal(other)
    build["metadata"]["name"] = "other"
    assert "not allowed" in strict.admin.refusal(build)


def test_nobody_builds_in_the_operators_namespace(kubeconfig: Path) -> None:
    """Beside the operator and its Redis no build is taken but that of `helm test`."""
    values: Object = {"runnerPolicy": {"strict": {"enabled": True}}}
    with own_namespace(kubeconfig) as kube, policies_of(kube, values) as made:
        said = made.admin.refusal(build_of())
        assert f"no builds in the operator's own namespace, {kube.namespace} (runnerPolicy.strict)" in said
        build = helm_test_build(made, values)
        assert made.admin.refusal(build) == ""
        build["spec"]["runner"]["command"] = ["env"]
        assert "no builds in the operator's own namespace" in made.admin.refusal(build)
