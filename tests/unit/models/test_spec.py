"""The spec: defaults, and what is refused with a message that a person can act on."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from publishbuild.models import rules
from publishbuild.models.spec import Platform, PublishBuildSpec
from tests.builders import GIT_URL, a_spec


def git(**fields: Any) -> dict[str, Any]:
    return {"source": {"git": {"url": GIT_URL} | fields}}


def runner(**fields: Any) -> dict[str, Any]:
    return a_spec(runner=fields)


def refusal(spec: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        PublishBuildSpec.model_validate(spec)
    first = caught.value.errors(include_url=False)[0]
    return ".".join(map(str, first["loc"])) + ": " + first["msg"]


def test_defaults_are_the_contracts() -> None:
    """A build needs a URL; everything else has the contract's default."""
    wire = PublishBuildSpec.model_validate(a_spec()).to_wire()
    assert wire == {
        "source": {"git": {"url": GIT_URL, "revision": "HEAD", "path": "."}},
        "platform": "all",
        "profile": "production",
        "submit": {"enabled": True},
        "priority": 0,
        "concurrencyPolicy": "Queue",
        "backoffLimit": 3,
        "runTimeoutSeconds": 7200,
        "ttlSecondsAfterFinished": 86400,
        "suspend": False,
        "cancel": False,
        "runner": {},
    }


BAD = [
    pytest.param({}, ("source", "required"), id="nothing"),
    pytest.param({"source": {}}, ("source.git", "required"), id="no git"),
    pytest.param({"source": {"git": {}}}, ("source.git.url", "required"), id="no URL"),
    pytest.param(git(url=""), ("source.git.url", "must be an https://"), id="empty URL"),
    pytest.param(git(url="https://"), ("source.git.url", "must be an https://"), id="URL without host"),
    pytest.param(git(url="http://git.example/a"), ("url", "https://"), id="plain http"),
    pytest.param(git(url="git@git.example:acme/app.git"), ("url", "ssh://git@host/path"), id="scp form"),
    pytest.param(git(url="https://git.example/a b"), ("url", "without spaces"), id="URL with a space"),
    pytest.param(git(url="https://-oProxyCommand=x/a"), ("url", "https://"), id="host that is an option"),
    pytest.param(git(url="ssh://-oProxyCommand=x/a"), ("url", "ssh://"), id="ssh host that is an option"),
    pytest.param(git(url="ext::sh -c id"), ("url", "https://"), id="git's ext transport"),
    pytest.param(git(url="https://me:pw@git.example/a"), ("url", "secretRef"), id="password in the URL"),
    pytest.param(git(url="https://token@git.example/a"), ("url", "secretRef"), id="token in the URL"),
    pytest.param(git(url="ssh://git:pw@git.example/a"), ("url", "secretRef"), id="password in an ssh URL"),
    pytest.param(git(url="https://git.example/a\n"), ("url", "without spaces"), id="URL with a newline"),
    pytest.param(git(url="https://git.example/" + "a" * 2048), ("url", "2048"), id="URL too long"),
    pytest.param(git(url=7), ("url", "string"), id="URL that is a number"),
    pytest.param(git(revision=""), ("revision", "branch, a tag or a commit"), id="empty revision"),
    pytest.param(git(revision="--upload-pack=x"), ("revision", "cannot start with '-'"), id="revision is an option"),
    pytest.param(git(revision="main other"), ("revision", "spaces"), id="revision with a space"),
    pytest.param(git(revision="HEAD~1"), ("revision", "~"), id="revision that git must resolve"),
    pytest.param(git(revision="main:refs/heads/x"), ("revision", ":"), id="revision that is a refspec"),
    pytest.param(git(revision="main\n"), ("revision", "branch"), id="revision with a newline"),
    pytest.param(git(path="/etc"), ("path", "relative"), id="absolute path"),
    pytest.param(git(path="../other"), ("path", "'..'"), id="path above"),
    pytest.param(git(path="apps/../.."), ("path", "'..'"), id="path above, hidden"),
    pytest.param(git(path="apps/.."), ("path", "'..'"), id="path that ends above"),
    pytest.param(git(path="a" * 513), ("path", "512"), id="path too long"),
    pytest.param(git(secretRef={"name": "Deploy_Key"}), ("secretRef.name", "lower case"), id="Secret in capitals"),
    pytest.param(git(secretRef={}), ("secretRef.name", "required"), id="Secret without name"),
    pytest.param(a_spec(platform="web"), ("platform", "'ios', 'android' or 'all'"), id="unknown platform"),
    pytest.param(a_spec(profile=""), ("profile", "eas.json"), id="empty profile"),
    pytest.param(a_spec(profile="--local"), ("profile", "eas.json"), id="profile that is an option"),
    pytest.param(a_spec(profile="a b"), ("profile", "eas.json"), id="profile with a space"),
    pytest.param(a_spec(profile="production\n"), ("profile", "eas.json"), id="profile with a newline"),
    pytest.param(a_spec(submit={"profile": "../x"}), ("submit.profile", "eas.json"), id="submit profile"),
    pytest.param(a_spec(submit={"enabled": "maybe"}), ("submit.enabled", "boolean"), id="submit neither yes nor no"),
    pytest.param(a_spec(credentialsSecretRef={"name": ""}), ("credentialsSecretRef.name", "lower"), id="no name"),
    pytest.param(a_spec(priority=1001), ("priority", "1000"), id="priority too high"),
    pytest.param(a_spec(priority=-1001), ("priority", "-1000"), id="priority too low"),
    pytest.param(a_spec(priority="5"), ("priority", "integer"), id="priority as text"),
    pytest.param(a_spec(priority=1.5), ("priority", "integer"), id="half a priority"),
    pytest.param(a_spec(concurrencyKey=""), ("concurrencyKey", "must not be empty"), id="empty key"),
    pytest.param(a_spec(concurrencyKey="a b"), ("concurrencyKey", "spaces"), id="key with a space"),
    pytest.param(a_spec(concurrencyPolicy="Replace"), ("concurrencyPolicy", "CancelPrevious"), id="unknown policy"),
    pytest.param(a_spec(backoffLimit=-1), ("backoffLimit", "0"), id="fewer than no retries"),
    pytest.param(a_spec(backoffLimit=11), ("backoffLimit", "10"), id="too many retries"),
    pytest.param(a_spec(queueTimeoutSeconds=0), ("queueTimeoutSeconds", "1"), id="no time to wait"),
    pytest.param(a_spec(queueTimeoutSeconds="1h"), ("queueTimeoutSeconds", "integer"), id="time as text"),
    pytest.param(a_spec(runTimeoutSeconds=0), ("runTimeoutSeconds", "1"), id="no time to run"),
    pytest.param(a_spec(runTimeoutSeconds=604801), ("runTimeoutSeconds", "604800"), id="more than a week"),
    pytest.param(a_spec(ttlSecondsAfterFinished=-1), ("ttlSecondsAfterFinished", "0"), id="ttl before the end"),
    pytest.param(a_spec(retryOf="A B"), ("retryOf", "Kubernetes object"), id="retryOf no name"),
    pytest.param(runner(image=""), ("runner.image", "empty"), id="empty image"),
    pytest.param(runner(image="a b"), ("runner.image", "spaces"), id="image with a space"),
    pytest.param(runner(imagePullPolicy="Sometimes"), ("imagePullPolicy", "IfNotPresent"), id="pull policy"),
    pytest.param(runner(imagePullSecrets=["x"]), ("imagePullSecrets.0", "SecretRef"), id="pull Secret by bare name"),
    pytest.param(runner(command=[]), ("runner.command", "at least 1"), id="empty command"),
    pytest.param(runner(command="make"), ("runner.command", "tuple"), id="command as text"),
    pytest.param(runner(args=[1]), ("runner.args.0", "string"), id="argument that is a number"),
    pytest.param(runner(env=[{"name": "1A", "value": "x"}]), ("env.0.name", "pattern"), id="variable name"),
    pytest.param(runner(env=[{"name": "A=B"}]), ("env.0.name", "pattern"), id="variable with ="),
    pytest.param(runner(env=[{"value": "x"}]), ("env.0.name", "required"), id="variable without name"),
    pytest.param(runner(env=[{"name": "A", "value": 1}]), ("env.0.value", "string"), id="variable that is a number"),
    pytest.param(runner(serviceAccountName="x/y"), ("serviceAccountName", "lower case"), id="service account"),
    pytest.param(runner(tolerations=[{"operator": "Like"}]), ("operator", "Exists"), id="toleration"),
    pytest.param(runner(nodeSelector={"pool": 1}), ("nodeSelector.pool", "string"), id="node label that is a number"),
    pytest.param(runner(podAnnotations={"a": True}), ("podAnnotations.a", "string"), id="annotation that is a boolean"),
]


@pytest.mark.parametrize(("spec", "words"), BAD)
def test_a_bad_spec_is_refused_with_help(spec: dict[str, Any], words: tuple[str, ...]) -> None:
    """The field is named, and the message says what is allowed."""
    said = refusal(spec)
    assert all(word in said for word in words), said


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(git(url="ssh://git@git.example/acme/app.git"), id="ssh with a user"),
        pytest.param(git(url="ssh://git@git.example:2222/acme/app.git"), id="ssh with a port"),
        pytest.param(git(url="https://git.example:8443/acme/app.git"), id="https with a port"),
        pytest.param(git(url="https://git.example/@scope/app"), id="@ in the path"),
        pytest.param(git(url="file:///srv/app.git"), id="file"),
        pytest.param(git(revision="feature/login-2.0"), id="branch with a slash"),
        pytest.param(git(revision="v1.0.0"), id="tag"),
        pytest.param(git(path="apps/mobile"), id="folder"),
        pytest.param(git(path="apps/..hidden/..."), id="dots that go nowhere"),
        pytest.param(a_spec(priority=-1000), id="lowest priority"),
        pytest.param(a_spec(priority=1000), id="highest priority"),
        pytest.param(a_spec(backoffLimit=0), id="no retries"),
        pytest.param(a_spec(ttlSecondsAfterFinished=0), id="no ttl"),
        pytest.param(a_spec(concurrencyKey="prod:ios/ключ"), id="key of any letters"),
        pytest.param(a_spec(unknownField={"a": 1}), id="a newer field"),
        pytest.param(runner(env=[{"name": "A"}, {"name": "b.c-d", "value": ""}]), id="empty variables"),
    ],
)
def test_a_good_spec_is_taken(spec: dict[str, Any]) -> None:
    """What the contract allows is not refused."""
    assert PublishBuildSpec.model_validate(spec)


@pytest.mark.parametrize(
    ("platform", "each"), [("ios", ("ios",)), ("android", ("android",)), ("all", ("android", "ios"))]
)
def test_platforms(platform: str, each: tuple[str, ...]) -> None:
    """Only `all` is both."""
    assert Platform(platform).each() == each


@pytest.mark.parametrize(
    ("submit", "profile"), [({}, "preview"), ({"profile": "store"}, "store"), ({"enabled": False}, "preview")]
)
def test_submit_profile(submit: dict[str, Any], profile: str) -> None:
    """The submit profile is the build profile unless one is named."""
    assert PublishBuildSpec.model_validate(a_spec(profile="preview", submit=submit)).submit_profile == profile


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        pytest.param(rules.PROFILE[0], "production\n", id="$ is the end, not the end of the line"),
        pytest.param(rules.OBJECT_NAME[0], "name\n", id="names do not end in a newline"),
    ],
)
def test_python_reads_an_expression_as_cel_does(rule: rules.TextRule, value: str) -> None:
    """RE2's `$` is the end of the text; what the API server refuses, the operator refuses."""
    with pytest.raises(ValueError, match="must be"):
        rule.check(value)


def test_space_is_the_same_for_both() -> None:
    r"""RE2's `\s` is ASCII alone: a key that the API server accepted does not fail in the operator."""
    for rule in rules.NOT_BLANK:
        rule.check("no\u00a0break\u2003space")


def test_cel_escapes_for_both_parsers() -> None:
    """A backslash of the expression is doubled for CEL's string literal, and no quote ends it early."""
    every = [
        *rules.GIT_URL, *rules.GIT_REVISION, *rules.SOURCE_PATH, *rules.PROFILE, *rules.OBJECT_NAME, *rules.NOT_BLANK,
    ]  # fmt: skip
    for rule in every:
        cel = rule.cel()["rule"]
        assert "'" not in rule.pattern
        assert rule.pattern.replace("\\", "\\\\") in cel
        assert cel.startswith("self.matches('") if rule.must_match else cel.startswith("!self.matches('")


def test_a_field_that_may_be_absent_is_immutable_too() -> None:
    """Setting, changing and dropping an optional field are all refused."""
    rule = rules.immutable("retryOf", always_present=False)["rule"]
    assert rule == (
        "has(self.retryOf) == has(oldSelf.retryOf) && (!has(self.retryOf) || self.retryOf == oldSelf.retryOf)"
    )
