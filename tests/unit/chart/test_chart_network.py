"""Who may connect to which port of the operator, as the chart's NetworkPolicy says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.chart import Object, of_kind, rendered

BUILDS = {
    "namespaceSelector": {},
    "podSelector": {"matchLabels": {"app.kubernetes.io/managed-by": "publishbuild-operator"}},
}
PROMETHEUS = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
CONTROL_PLANE = {"ipBlock": {"cidr": "10.0.0.0/28"}}

ANYBODY: list[Object] = [{}]


def let_in(network: Object, **values: Any) -> dict[str, list[Object]]:
    """Who may connect to the operator, by the name of its port; `ANYBODY` where a rule names nobody."""
    objects = rendered({"networkPolicy": network, **values})
    [policy] = [o for o in of_kind(objects, "NetworkPolicy") if o["metadata"]["name"] == "publishbuild-operator"]
    assert policy["spec"]["policyTypes"] == ["Ingress"]
    found: dict[str, list[Object]] = {}
    for rule in policy["spec"]["ingress"] or ():
        # An empty `from` lets in everybody too.
        for port in rule["ports"]:
            found.setdefault(port["port"], []).extend(rule.get("from") or ANYBODY)
    return found


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        pytest.param({}, {"callback": [BUILDS], "http": ANYBODY}, id="the defaults"),
        pytest.param(
            {"metricsFrom": [PROMETHEUS], "proxyFrom": [CONTROL_PLANE]},
            {"callback": [BUILDS], "http": [PROMETHEUS, CONTROL_PLANE]},
            id="prometheus and proxy",
        ),
        pytest.param({"proxyFrom": [CONTROL_PLANE]}, {"callback": [BUILDS], "http": [CONTROL_PLANE]}, id="proxy"),
        pytest.param({"callbackFrom": [PROMETHEUS]}, {"callback": [BUILDS, PROMETHEUS], "http": ANYBODY}, id="ingress"),
    ],
)
def test_each_port_lets_in_its_own(network: Object, expected: dict[str, list[Object]]) -> None:
    """Without a value only builds' pods may call back; metrics and queue are open until somebody is listed for them."""
    assert let_in(network) == expected


def test_redis_lets_in_the_operator_alone() -> None:
    """Without a value nothing but the operator's own pods may connect to the chart's Redis, and Redis to nothing."""
    objects = rendered()
    [policy] = [o for o in of_kind(objects, "NetworkPolicy") if o["metadata"]["name"] == "publishbuild-operator-redis"]
    [deployment] = of_kind(objects, "Deployment")
    [server] = of_kind(objects, "StatefulSet")
    [rule] = policy["spec"]["ingress"]
    assert rule["from"] == [{"podSelector": deployment["spec"]["selector"]}]
    assert policy["spec"]["podSelector"] == server["spec"]["selector"]
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert "egress" not in policy["spec"]


def test_policies_can_be_left_out() -> None:
    """For a cluster without them there is a value, and then the chart makes none."""
    assert of_kind(rendered({"networkPolicy": {"enabled": False}}), "NetworkPolicy") == []


def test_without_callbacks_builds_reach_nothing() -> None:
    """With callbacks off there is no port for builds: neither on the pod, nor on the Service, nor in the policy."""
    off = {"callback": {"enabled": False}}
    assert let_in({}, **off) == {"http": ANYBODY}
    objects = rendered(off)
    [service] = [o for o in of_kind(objects, "Service") if o["metadata"]["name"] == "publishbuild-operator"]
    [deployment] = of_kind(objects, "Deployment")
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert [port["name"] for port in service["spec"]["ports"]] == ["http"]
    assert [port["name"] for port in container["ports"]] == ["http"]
    assert not [variable for variable in container["env"] if "CALLBACK" in variable["name"]]


def test_ports_fit_together() -> None:
    """The address that pods are told is the Service's, which leads to the port that the operator listens on."""
    objects = rendered({"callback": {"port": 9001}, "httpPort": 9000})
    [service] = [o for o in of_kind(objects, "Service") if o["metadata"]["name"] == "publishbuild-operator"]
    [deployment] = of_kind(objects, "Deployment")
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    env = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert env["PUBLISHBUILD_CALLBACK_URL"] == "http://publishbuild-operator.publish.svc:9001"
    assert (env["PUBLISHBUILD_HTTP_PORT"], env["PUBLISHBUILD_CALLBACK_PORT"]) == ("9000", "9001")
    ports = {"http": 9000, "callback": 9001}
    assert {port["name"]: port["port"] for port in service["spec"]["ports"]} == ports
    assert {port["name"]: port["containerPort"] for port in container["ports"]} == ports
    assert all(port["targetPort"] == port["name"] for port in service["spec"]["ports"])
