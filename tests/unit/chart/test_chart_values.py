"""The chart's values: each explained, each in the schema, and wrong ones refused with a line a person can act on."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

import pytest
import yaml

from hack.demo.helm import CHART
from hack.demo.kubectl import ROOT
from publishbuild.settings import Settings, read_settings
from tests.support.chart import Object, of_kind, refusal, rendered

VALUES: Object = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA: Object = json.loads((CHART / "values.schema.json").read_text())
BY_TEMPLATE = {"global"}
"""Known to the schema alone: helm hands it to every chart that is part of another."""
EVERYTHING: Object = {
    "networkPolicy": {
        "enabled": True,
        "builds": {"enabled": True},
        "metricsFrom": [{"namespaceSelector": {}}],
        "proxyFrom": [{"ipBlock": {"cidr": "10.0.0.0/28"}}],
        "callbackFrom": [{"podSelector": {"matchLabels": {"app": "ingress"}}}],
    },
    "podMonitor": {"enabled": True},
    "prometheusRule": {"enabled": True, "runbookUrl": "https://docs.example/runbooks.md"},
    "dashboard": {"enabled": True},
    "runnerPolicy": {"images": ["registry.example/mobile/"]},
    "redis": {"embedded": {"persistence": {"enabled": True}}},
    "extraEnv": [{"name": "A", "value": "b"}],
    "imagePullSecrets": [{"name": "registry"}],
}


def differences(values: Object, schema: Object, path: str = "") -> list[str]:
    """Keys that only one of the two knows, and maps that take any key without saying so."""
    known = schema.get("properties")
    if known is None:
        return []
    wrong = [] if schema.get("additionalProperties") is False else [f"{path} takes any key"]
    wrong += [f"{path}.{key}" for key in set(values) ^ (set(known) - BY_TEMPLATE)]
    for key in set(values) & set(known):
        if isinstance(values[key], dict):
            wrong += differences(values[key], known[key], f"{path}.{key}")
    return wrong


def test_schema_and_values_know_the_same_keys() -> None:
    """A value that is added, removed or renamed in one of the two files and not in the other is found."""
    assert differences(VALUES, SCHEMA) == []


def unexplained(text: str) -> list[str]:
    """Lines of values without a comment: on the line, above it, or on a map that they are part of."""
    told: dict[int, bool] = {}
    above, found = False, []
    for line in text.splitlines():
        key = re.match(r"^( *)[A-Za-z]+:", line)
        if key:
            depth = len(key[1])
            told = {outer: known for outer, known in told.items() if outer < depth}
            told[depth] = above or "#" in line or any(told.values())
            is_map = line.endswith(":")
            if not told[depth] and not is_map:
                found.append(line)
        above = line.lstrip().startswith("# ") and not line.startswith("# --")
    return found


def test_every_value_is_explained() -> None:
    """Each value has a comment, on its own line or on the map that it is part of."""
    assert unexplained("a: 1\nb:\n  c: 1\n") == ["a: 1", "  c: 1"]
    assert unexplained((CHART / "values.yaml").read_text()) == []


def operator_environment(objects: list[Object]) -> dict[str, str]:
    [deployment] = of_kind(objects, "Deployment")
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    return {variable["name"]: variable.get("value", "") for variable in container["env"]}


def test_the_operators_settings_are_all_values_with_its_own_defaults() -> None:
    """The environment that the chart gives is read without error, and means the operator's own defaults."""
    environment = operator_environment(rendered())
    given = read_settings({name: value for name, value in environment.items() if name != "REDIS_URL"})
    own = Settings()
    here = {"callback_url", "runner_image"}
    assert given.model_dump(exclude=here) == own.model_dump(exclude=here)
    named = {f"PUBLISHBUILD_{field.upper()}" for field in Settings.model_fields if field != "redis_url"}
    settings = {"priorityNamespaces": ["ops", "web"], "reservedForIdle": 2}
    names = {"watchNamespaces": ["mobile", "web"], "settings": settings}
    with_namespaces = operator_environment(rendered(names))
    assert named <= set(with_namespaces)
    read = read_settings({**with_namespaces, "REDIS_URL": ""})
    assert (read.watch_namespaces, read.priority_namespaces) == (("mobile", "web"), ("ops", "web"))
    assert (given.reserved, read.reserved) == (3, 2)


def test_the_build_of_helm_test_keeps_the_caps() -> None:
    """However low the caps for builds are, `helm test` asks for no more."""
    for values, asked in (
        ({}, (1000, 240)),
        ({"runnerPolicy": {"maxPriority": -5, "maxRunTimeSeconds": 60}}, (-5, 60)),
    ):
        [build] = [one for one in rendered(values) if one["kind"] == "PublishBuild"]
        assert (build["spec"]["priority"], build["spec"]["runTimeoutSeconds"]) == asked


def test_bounds_of_settings_are_the_operators() -> None:
    """What the schema takes, the operator takes: the same bounds and words for each setting."""
    own = Settings.model_json_schema()["properties"]
    fields = {re.sub(r"_([a-z])", lambda m: m[1].upper(), field): schema for field, schema in own.items()}
    for name, schema in SCHEMA["properties"]["settings"]["properties"].items():
        for bound in ("minimum", "maximum", "enum"):
            assert schema.get(bound) == fields[name].get(bound), name


def test_versions_are_one() -> None:
    """The chart's version, its appVersion and the package's are the same."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert (chart["version"], chart["appVersion"]) == (package, package)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"replica": 3}, "additional properties 'replica' not allowed"),
        ({"replicas": -1}, "at '/replicas': minimum"),
        ({"replicas": "two"}, "at '/replicas': got string, want integer"),
        ({"watchNamespaces": "mobile"}, "at '/watchNamespaces': got string, want array"),
        ({"watchNamespaces": ["Mobile"]}, "at '/watchNamespaces/0'"),
        ({"settings": {"maxConcurrent": 0}}, "at '/settings/maxConcurrent': minimum: got 0, want 1"),
        ({"settings": {"onRedisOutage": "wait"}}, "must be one of 'hold', 'direct'"),
        ({"settings": {"logLevel": "loud"}}, "must be one of 'debug', 'info', 'warning', 'error'"),
        ({"settings": {"resyncSeconds": 0.5}}, "at '/settings/resyncSeconds'"),
        ({"image": {"repository": "a b"}}, "at '/image/repository'"),
        ({"image": {"digest": "sha256:1"}}, "at '/image/digest'"),
        ({"image": {"pullPolicy": "Sometimes"}}, "must be one of 'Always', 'IfNotPresent', 'Never'"),
        ({"httpPort": 80}, "at '/httpPort': minimum: got 80, want 1,024"),
        ({"callback": {"port": 80}}, "at '/callback/port': minimum: got 80, want 1,024"),
        ({"callback": {"port": "callback"}}, "at '/callback/port': got string, want integer"),
        ({"callback": {"port": 8080}}, "callback.port and httpPort: must differ"),
        ({"httpPort": 8081}, "callback.port and httpPort: must differ"),
        ({"networkPolicy": {"proxyFrom": ["10.0.0.0/28"]}}, "at '/networkPolicy/proxyFrom/0': got string, want object"),
        ({"networkPolicy": {"proxyFrom": [{"cidr": "10.0.0.0/28"}]}}, "additional properties 'cidr' not allowed"),
        (
            {"networkPolicy": {"proxyFrom": [{"ipBlock": {"cidr": "10.0.0.1"}}]}},
            "at '/networkPolicy/proxyFrom/0/ipBlock/cidr'",
        ),
        ({"networkPolicy": {"metricsFrom": [{}]}}, "at '/networkPolicy/metricsFrom/0': minProperties: got 0, want 1"),
        ({"networkPolicy": {"callbackFrom": {}}}, "at '/networkPolicy/callbackFrom': got object, want array"),
        ({"queueReaders": ["mobile"]}, "at '/queueReaders/0': got string, want object"),
        ({"queueReaders": [{"kind": "Robot", "name": "ci"}]}, "must be one of 'User', 'Group', 'ServiceAccount'"),
        ({"terminationGracePeriodSeconds": 2}, "at '/terminationGracePeriodSeconds'"),
        ({"callback": {"url": "operator:8080"}}, "at '/callback/url'"),
        ({"runnerPolicy": {"serviceAccountNames": ["Robot"]}}, "at '/runnerPolicy/serviceAccountNames/0'"),
        ({"runnerPolicy": {"maxPriority": 1001}}, "at '/runnerPolicy/maxPriority': maximum: got 1,001, want 1,000"),
        ({"runnerPolicy": {"maxRunTimeSeconds": 0}}, "at '/runnerPolicy/maxRunTimeSeconds': minimum: got 0, want 1"),
        ({"redis": {"embedded": {"maxmemory": "much"}}}, "at '/redis/embedded/maxmemory'"),
        ({"crds": {"enabled": "yes"}}, "at '/crds/enabled': got string, want boolean"),
        ({"redis": {"url": "https://a:secret-word@b"}}, "redis.url: must start with redis://"),
        (
            {"redis": {"url": "redis://a", "existingSecret": "b"}},
            "redis.url and redis.existingSecret: set one of the two",
        ),
        ({"redis": {"embedded": {"enabled": False}}}, "nothing would ever start"),
        ({"redis": {"embedded": {"password": "secret-word"}}}, "redis.embedded.password: at least 16"),
        ({"serviceAccount": {"create": False}}, "serviceAccount.name: name one that exists"),
    ],
    ids=lambda part: part if isinstance(part, str) else None,
)
def test_a_wrong_value_is_refused(values: Object, says: str) -> None:
    """Each wrong value stops helm with a line that names it and says what is allowed, and never shows a password."""
    told = refusal(values)
    assert says in told
    assert "secret-word" not in told


def test_without_redis_it_is_direct() -> None:
    """With `direct` and no Redis at all the chart installs, and the operator is told of none."""
    objects = rendered({"settings": {"onRedisOutage": "direct"}, "redis": {"embedded": {"enabled": False}}})
    assert of_kind(objects, "StatefulSet") == []
    assert "REDIS_URL" not in operator_environment(objects)


@pytest.mark.parametrize("redis", [{"url": "redis://:a-password@redis.example:6379/0"}, {"existingSecret": "mine"}])
def test_a_redis_of_ones_own_takes_the_place_of_the_embedded_one(redis: Object) -> None:
    """With url or existingSecret nothing of the embedded Redis is made, and no password is outside of a Secret."""
    objects = rendered({"redis": redis})
    assert of_kind(objects, "StatefulSet") == []
    assert "a-password" not in json.dumps(objects)
    [deployment] = of_kind(objects, "Deployment")
    [variable] = [v for v in deployment["spec"]["template"]["spec"]["containers"][0]["env"] if v["name"] == "REDIS_URL"]
    named = {"name": redis.get("existingSecret", "publishbuild-operator-redis"), "key": "url"}
    assert variable["valueFrom"]["secretKeyRef"] == named


def pod_specs(objects: list[Object]) -> list[Object]:
    """Of every workload, the pods of `helm test` too."""
    return [
        obj["spec"]["template"]["spec"] if obj["kind"] != "Pod" else obj["spec"]
        for obj in objects
        if obj["kind"] in {"Deployment", "StatefulSet", "Pod"}
    ]


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["default", "everything"])
def test_no_container_may_write_its_root_or_lacks_resources(values: Object) -> None:
    """Every container has a read-only root, drops all capabilities, asks for resources and bounds its memory."""
    containers = [container for spec in pod_specs(rendered(values)) for container in spec["containers"]]
    assert len(containers) == 3
    for container in containers:
        context: dict[str, Any] = container["securityContext"]
        assert context["readOnlyRootFilesystem"]
        assert not context["allowPrivilegeEscalation"]
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]


def test_one_password_in_one_render() -> None:
    """The operator's URL and Redis's own configuration hold the same password, of 32 random characters."""
    [secret] = of_kind(rendered(), "Secret")
    [other] = of_kind(rendered(), "Secret")
    assert secret["data"]["password"] != other["data"]["password"]
