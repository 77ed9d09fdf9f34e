"""What the API server itself refuses: each bad manifest with a message that says what is allowed."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.support.fixtures import Manifest
from tests.support.kube import Kube, Object

pytestmark = pytest.mark.integration


def with_fields(manifest: Object, **fields: Any) -> Object:
    """``manifest`` with dotted spec fields set (``__`` for a dot); None removes one."""
    made = copy.deepcopy(manifest)
    for dotted, value in fields.items():
        *path, last = dotted.split("__")
        place = made["spec"]
        for key in path:
            place = place.setdefault(key, {})
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return made


BAD = [
    pytest.param({"source__git__url": ""}, "https://, ssh:// or file:// URL", id="url-empty"),
    pytest.param({"source__git__url": None}, "spec.source.git.url: Required value", id="url-missing"),
    pytest.param({"source": None}, "spec.source: Required value", id="source-missing"),
    pytest.param({"source__git__url": "git@github.com:acme/app.git"}, "ssh://git@host/path", id="url-scp-form"),
    pytest.param({"source__git__url": "http://git.example/app"}, "https://, ssh:// or file://", id="url-http"),
    pytest.param({"source__git__url": "ext::sh -c id"}, "https://, ssh:// or file://", id="url-ext-transport"),
    pytest.param(
        {"source__git__url": "https://me:pw@git.example/app"}, "must not carry credentials", id="url-password"
    ),
    pytest.param({"source__git__url": "https://tok@git.example/app"}, "must not carry credentials", id="url-token"),
    pytest.param(
        {"source__git__url": "ssh://me:pw@git.example/app"}, "must not carry credentials", id="url-ssh-password"
    ),
    pytest.param({"source__git__url": "https://a b/app"}, "without spaces", id="url-space"),
    pytest.param({"source__git__url": "https://g/" + "a" * 2048}, "may not be more than 2048", id="url-too-long"),
    pytest.param({"source__git__revision": "--upload-pack=x"}, "branch, a tag or a commit SHA", id="revision-option"),
    pytest.param({"source__git__revision": ""}, "branch, a tag or a commit SHA", id="revision-empty"),
    pytest.param({"source__git__path": "../other"}, "'..' is not allowed", id="path-parent"),
    pytest.param({"source__git__path": "apps/../../x"}, "'..' is not allowed", id="path-parent-inside"),
    pytest.param({"source__git__path": "/etc"}, "relative to the repository's root", id="path-absolute"),
    pytest.param({"source__git__secretRef": {"name": "Not_A_Name"}}, "name of a Kubernetes object", id="secret-name"),
    pytest.param({"platform": "windows"}, 'supported values: "ios", "android", "all"', id="platform"),
    pytest.param({"profile": "-production"}, "profile of eas.json", id="profile-option"),
    pytest.param({"submit__profile": "a b"}, "profile of eas.json", id="submit-profile"),
    pytest.param({"priority": 1001}, "less than or equal to 1000", id="priority-high"),
    pytest.param({"priority": -1001}, "greater than or equal to -1000", id="priority-low"),
    pytest.param({"priority": "high"}, "must be of type integer", id="priority-word"),
    pytest.param({"backoffLimit": 11}, "less than or equal to 10", id="backoff-high"),
    pytest.param({"backoffLimit": -1}, "greater than or equal to 0", id="backoff-negative"),
    pytest.param({"queueTimeoutSeconds": 0}, "greater than or equal to 1", id="queue-timeout-zero"),
    pytest.param({"runTimeoutSeconds": 0}, "greater than or equal to 1", id="run-timeout-zero"),
    pytest.param({"ttlSecondsAfterFinished": -1}, "greater than or equal to 0", id="ttl-negative"),
    pytest.param({"concurrencyPolicy": "Replace"}, '"Queue", "CancelPrevious"', id="concurrency-policy"),
    pytest.param({"concurrencyKey": "a b"}, "cannot hold spaces", id="concurrency-key-space"),
    pytest.param({"suspend": "yes"}, "must be of type boolean", id="suspend-word"),
    pytest.param({"cancel": 1}, "must be of type boolean", id="cancel-number"),
    pytest.param({"runner__image": " "}, "cannot hold spaces", id="runner-image"),
    pytest.param({"runner__command": []}, "should have at least 1 items", id="runner-command-empty"),
    pytest.param({"runner__imagePullPolicy": "Sometimes"}, '"Always", "IfNotPresent", "Never"', id="pull-policy"),
    pytest.param({"runner__env": [{"value": "x"}]}, "name: Required value", id="env-without-name"),
    pytest.param(
        {"runner__env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}, "Duplicate value", id="env-twice"
    ),
    pytest.param({"colour": "red"}, 'unknown field "spec.colour"', id="unknown-field"),
]


@pytest.mark.parametrize(("fields", "message"), BAD)
def test_refused_at_apply(kube: Kube, manifest: Manifest, fields: dict[str, Any], message: str) -> None:
    """The manifest is refused and the message says what is allowed."""
    assert message in kube.refusal(with_fields(manifest("bad"), **fields))


@pytest.mark.parametrize(
    "url", ["https://me:canary@git.example/app", "https://canary@git.example/app", "http://me:canary@git.example/app"]
)
def test_a_refused_password_is_not_repeated(kube: Kube, manifest: Manifest, url: str) -> None:
    """The refusal of a URL with credentials goes to terminals and CI logs: it names the field and not the value."""
    said = kube.refusal(with_fields(manifest("bad"), source__git__url=url))
    assert "spec.source.git.url: Invalid value" in said
    assert "canary" not in said


def test_a_good_manifest_is_taken(kube: Kube, manifest: Manifest) -> None:
    """The manifest that the bad ones are made from is itself fine, so each is refused for its one fault."""
    assert kube.refusal(manifest("good")) == ""


def test_a_long_name_is_refused(kube: Kube, manifest: Manifest) -> None:
    """A name of 51 characters is refused with the limit; one of 50 is taken."""
    assert "at most 50 characters" in kube.refusal(manifest("n" * 51))
    assert kube.refusal(manifest("n" * 50)) == ""


CHANGES = [
    pytest.param({"source__git__revision": "other"}, "spec.source is immutable", id="source"),
    pytest.param({"platform": "ios"}, "spec.platform is immutable", id="platform"),
    pytest.param({"profile": "preview"}, "spec.profile is immutable", id="profile"),
    pytest.param({"submit__enabled": False}, "spec.submit is immutable", id="submit"),
    pytest.param({"credentialsSecretRef": {"name": "x"}}, "spec.credentialsSecretRef is immutable", id="added"),
    pytest.param({"concurrencyKey": None}, "spec.concurrencyKey is immutable", id="removed"),
    pytest.param({"backoffLimit": 1}, "spec.backoffLimit is immutable", id="backoff"),
    pytest.param({"runTimeoutSeconds": 1}, "spec.runTimeoutSeconds is immutable", id="run-timeout"),
    pytest.param({"runner__image": "other"}, "spec.runner is immutable", id="runner"),
    pytest.param(
        {"runner__affinity": {"podAntiAffinity": {"other": []}}}, "spec.runner is immutable", id="runner-free-form"
    ),
    pytest.param({"retryOf": "first"}, "spec.retryOf is immutable", id="retry-of"),
]


@pytest.mark.parametrize(("fields", "message"), CHANGES)
def test_what_is_to_be_built_cannot_change(
    kube: Kube, manifest: Manifest, fields: dict[str, Any], message: str
) -> None:
    """A change of any field but the four mutable ones is refused and says which may change."""
    first = with_fields(manifest("app", concurrencyKey="k"), runner__affinity={"podAntiAffinity": {"a": []}})
    kube.apply(first)
    refused = kube.apply(with_fields(first, **fields), check=False)
    assert refused.returncode != 0
    assert message in refused.stderr
    assert "only suspend, cancel, priority, ttlSecondsAfterFinished may change" in refused.stderr


def test_the_four_mutable_fields_may_change(kube: Kube, manifest: Manifest) -> None:
    """suspend, priority, ttlSecondsAfterFinished and cancel may change, and cancel only one way."""
    first = manifest("app")
    kube.apply(first)
    kube.apply(with_fields(first, suspend=True, priority=7, ttlSecondsAfterFinished=1, cancel=True))
    kube.apply(with_fields(first, suspend=False, priority=0, cancel=True))
    refused = kube.apply(with_fields(first, cancel=False), check=False)
    assert "spec.cancel is one way" in refused.stderr
