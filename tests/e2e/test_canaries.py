"""No Secret value is anywhere but in the pod that uses it: status, Events, logs, Jobs, metrics, Redis, EAS."""

from __future__ import annotations

import json
from typing import Any

import pytest
import redis

from tests.e2e.conftest import STATE, Publish
from tests.e2e.standin_eas import Eas
from tests.support.kube import Kube

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

CANARIES = {"EXPO_TOKEN": "canary-token-5e1f", "ASC_API_KEY": "canary-key-77aa", "FLAVOR": "canary-flavor"}


def _everything(kube: Kube, eas: Eas) -> dict[str, str]:
    """All that is stored or told outside of the pods of the builds, by where."""
    found = {
        kind: kube.kubectl("get", kind, "-o", "yaml").stdout for kind in ("publishbuilds", "jobs", "pods", "events")
    }
    for pod in kube.pods():
        name = pod["metadata"]["name"]
        found[f"log of {name}"] = kube.kubectl("logs", name, "--all-containers", check=False).stdout
    service = f"/api/v1/namespaces/{kube.namespace}/services/publishbuild-operator:http/proxy"
    for path in ("metrics", "v1/queue"):
        found[path] = kube.kubectl("get", "--raw", f"{service}/{path}").stdout
    with redis.Redis.from_url((STATE / "redis-url").read_text().strip(), decode_responses=True) as client:
        found["Redis"] = json.dumps({key: _value(client, key) for key in client.scan_iter()})
    found["EAS"] = json.dumps([eas.get("requests"), eas.get("builds")])
    return found


def _value(client: Any, key: str) -> object:
    match client.type(key):
        case "hash":
            return client.hgetall(key)
        case "zset":
            return client.zrange(key, 0, -1)
        case _:
            return client.get(key)


def test_no_secret_value_is_anywhere(kube: Kube, publish: Publish, eas: Eas) -> None:
    """Builds that succeed, fail and wait leave no value of their Secret in anything that others may read."""
    literals = [f"--from-literal={name}={value}" for name, value in CANARIES.items()]
    kube.kubectl("create", "secret", "generic", "canaries", *literals)
    try:
        secret = {"name": "canaries"}
        kube.kubectl_apply(
            publish("works", platform="android", credentialsSecretRef=secret),
            publish("fails", platform="android", profile="errored", backoffLimit=0, credentialsSecretRef=secret),
            publish("waits", credentialsSecretRef=secret, priority=-5),
        )
        kube.wait_phase("works", "Succeeded", seconds=240)
        kube.wait_phase("fails", "Failed", seconds=240)
        for where, text in _everything(kube, eas).items():
            for name, value in CANARIES.items():
                assert value not in text, f"{name} is in {where}"
    finally:
        kube.kubectl("delete", "secret", "canaries")
