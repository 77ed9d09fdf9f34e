"""Manifests that are wrong in one way each, with what the refusal has to say."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.support.kube import Object


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
    pytest.param({"source__git__url": 5}, "spec.source.git.url: Invalid value", id="url-number"),
    pytest.param({"source__git__url": ["https://a/b"]}, "must be of type string", id="url-list"),
    pytest.param({"source__git__url": "https://git.example/a\nb"}, "without spaces", id="url-line-break"),
    pytest.param({"source__git__url": "https://-oProxyCommand=x/app"}, "must be an https://", id="url-option"),
    pytest.param({"source__git__branch": "main"}, 'unknown field "spec.source.git.branch"', id="unknown-in-git"),
    pytest.param({"source__git__revision": "HEAD~1"}, "hold spaces or any of ~^", id="revision-expression"),
    pytest.param({"source__git__revision": "main..other"}, "'..' is not allowed", id="revision-range"),
    pytest.param({"source__git__revision": 1.10}, "spec.source.git.revision", id="revision-number"),
    pytest.param({"source__git__revision": "r" * 251}, "may not be more than 250", id="revision-too-long"),
    pytest.param({"source__git__path": "p" * 513}, "may not be more than 512", id="path-too-long"),
    pytest.param({"source__git__secretRef": {}}, "secretRef.name: Required value", id="secret-without-name"),
    pytest.param({"source__git__secretRef": "deploy-key"}, "must be of type object", id="secret-word"),
    pytest.param({"platform": "iOS"}, 'supported values: "ios", "android", "all"', id="platform-case"),
    pytest.param({"platform": ["ios", "android"]}, "spec.platform", id="platform-list"),
    pytest.param({"profile": ""}, "profile of eas.json", id="profile-empty"),
    pytest.param({"profile": "p" * 101}, "may not be more than 100", id="profile-too-long"),
    pytest.param({"submit": True}, "must be of type object", id="submit-switch"),
    pytest.param({"submit__enabled": "no"}, "must be of type boolean", id="submit-word"),
    pytest.param({"credentialsSecretRef": {"name": ""}}, "name of a Kubernetes object", id="credentials-empty"),
    pytest.param({"priority": 1.5}, "must be of type integer", id="priority-fraction"),
    pytest.param({"priority": 10**30}, "spec.priority", id="priority-huge"),
    pytest.param({"queueTimeoutSeconds": 2_592_001}, "less than or equal to 2592000", id="queue-timeout-long"),
    pytest.param({"runTimeoutSeconds": 604_801}, "less than or equal to 604800", id="run-timeout-long"),
    pytest.param({"ttlSecondsAfterFinished": 31_536_001}, "less than or equal to 31536000", id="ttl-long"),
    pytest.param({"runTimeoutSeconds": "1h"}, "must be of type integer", id="run-timeout-duration"),
    pytest.param({"concurrencyKey": ""}, "must not be empty", id="concurrency-key-empty"),
    pytest.param({"concurrencyKey": "k" * 513}, "may not be more than 512", id="concurrency-key-too-long"),
    pytest.param({"retryOf": "First_Build"}, "name of a Kubernetes object", id="retry-of"),
    pytest.param({"runner": []}, "must be of type object", id="runner-list"),
    pytest.param({"runner__privileged": True}, 'unknown field "spec.runner.privileged"', id="unknown-in-runner"),
    pytest.param({"runner__args": "--fast"}, "must be of type array", id="args-word"),
    pytest.param({"runner__command": ["make", 1]}, "spec.runner.command[1]", id="command-number"),
    pytest.param({"runner__env": {"A": "1"}}, 'unknown field "spec.runner.env.A"', id="env-object"),
    pytest.param({"runner__env": [{"name": "1A", "value": "x"}]}, "spec.runner.env[0].name", id="env-name"),
    pytest.param({"runner__env": [{"name": "A", "value": 1}]}, "must be of type string", id="env-number"),
    pytest.param(
        {"runner__env": [{"name": f"A{n}", "value": ""} for n in range(257)]}, "must have at most 256", id="env-many"
    ),
    pytest.param({"runner__resources__limits": {"cpu": [1]}}, "spec.runner.resources.limits.cpu", id="cpu-list"),
    pytest.param({"runner__resources": "small"}, "must be of type object", id="resources-word"),
    pytest.param({"runner__nodeSelector": {"disk": 1}}, "spec.runner.nodeSelector.disk", id="node-selector-number"),
    pytest.param({"runner__tolerations": [{"effect": "Never"}]}, '"NoSchedule"', id="toleration-effect"),
    pytest.param({"runner__affinity": "spread"}, "must be of type object", id="affinity-word"),
    pytest.param({"runner__podAnnotations": {"a": True}}, "spec.runner.podAnnotations.a", id="annotation-switch"),
    pytest.param({"runner__imagePullSecrets": ["registry"]}, "must be of type object", id="pull-secret-word"),
]

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

# YAML reads words and numbers as people do not expect; what it makes of them is refused, never built.
YAML = [
    pytest.param("source: {git: {url: 'https://git.example/a', revision: 1.10}}", "must be of type string", id="tag"),
    pytest.param("source: {git: {url: 'https://git.example/a', revision: 0123456}}", "type string", id="octal-sha"),
    pytest.param("source: {git: {url: 'https://git.example/a', revision: 12e5}}", "type string", id="float-sha"),
    pytest.param("source: {git: {url: 'https://git.example/a'}}\n  profile: no", "type string", id="no"),
    pytest.param("source: {git: {url: 'https://git.example/a'}}\n  priority: '07'", "type integer", id="quoted"),
    pytest.param(
        "source: {git: {url: 'https://git.example/a'}}\n  source: {}", "spec.source.git: Required value", id="twice"
    ),
    pytest.param("source: {git: {url: }}", "spec.source.git.url", id="nothing"),
    pytest.param("source: git.example/a", "must be of type object", id="word"),
]

# The schema takes what a pod may hold; what no pod can hold is refused when the Job is made.
NO_JOB = [
    pytest.param({"runner__resources": {"limits": {"cpu": "lots"}}}, "quantities", id="quantity"),
    pytest.param({"runner__resources": {"limits": {"cpu": "-1"}}}, "must be greater than or equal to 0", id="negative"),
    pytest.param({"runner__nodeSelector": {"a b": "c"}}, "nodeSelector", id="node-selector"),
    pytest.param({"runner__affinity": {"nodeAffinity": "near"}}, "affinity", id="affinity"),
    pytest.param({"runner__tolerations": [{"operator": "Exists", "value": "x"}]}, "tolerations[0]", id="toleration"),
    pytest.param({"runner__podAnnotations": {"a b": "c"}}, "annotations", id="annotation"),
    pytest.param({"runner__env": [{"name": "A", "valueFrom": {"x": {}}}]}, "env", id="value-from"),
]
