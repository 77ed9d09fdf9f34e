"""Alerts and dashboard: each expression parses, reads metrics that the operator has, and each alert has its runbook."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import promql_parser
import pytest
import yaml

from hack.demo.kubectl import ROOT
from publishbuild.observe.metrics import Metrics
from tests.support.chart import Object, of_kind, rendered

ON: Object = {
    "podMonitor": {"enabled": True},
    "prometheusRule": {"enabled": True, "runbookUrl": "https://docs.example/runbooks.md", "waitTargetSeconds": 77},
    "dashboard": {"enabled": True},
}
OBJECTS = rendered(ON)
[RULE] = of_kind(OBJECTS, "PrometheusRule")
ALERTS = [alert for group in RULE["spec"]["groups"] for alert in group["rules"]]
[DASHBOARD] = [json.loads(o["data"]["publishbuild.json"]) for o in of_kind(OBJECTS, "ConfigMap")]
EXPRESSIONS = [alert["expr"] for alert in ALERTS] + [
    target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]
]


def series() -> set[str]:
    """Every name that a scrape of the operator holds."""
    metrics = Metrics()
    metrics.show_queue(lambda: {("n", "r"): 1}, lambda: {"n": 1})
    metrics.finished.labels("n", "o", "r")
    metrics.attempts_failed.labels("r")
    metrics.count_request("get", "jobs", "200")
    return set(re.findall(r"^([a-z_]+)[ {]", metrics.text().decode(), re.MULTILINE))


def selectors(expression: Any) -> Iterator[str]:
    """The names of the metrics in a parsed expression."""
    yield from re.findall(r"\b(?:publishbuild|process)_[a-z_]+\b", expression.prettify())


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_an_expression_parses_and_reads_what_there_is(text: str) -> None:
    """Prometheus's grammar takes it, and each metric in it is one that the operator exposes."""
    names = set(selectors(promql_parser.parse(text)))
    assert names
    assert names <= series()


def test_every_alert_has_a_runbook() -> None:
    """Each alert links to a paragraph of docs/runbooks.md of its own name, and no paragraph is without an alert."""
    headings = re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbooks.md").read_text(), re.MULTILINE)
    assert headings == [alert["alert"] for alert in ALERTS]
    for alert in ALERTS:
        assert alert["annotations"]["runbook_url"] == f"https://docs.example/runbooks.md#{alert['alert'].lower()}"


def test_the_wait_target_is_the_value() -> None:
    """The alert on waiting compares with prometheusRule.waitTargetSeconds."""
    [wait] = [alert for alert in ALERTS if alert["alert"] == "PublishBuildWaitsLong"]
    assert wait["expr"].endswith("> 77")


def test_what_needs_a_foreign_resource_is_off_by_default() -> None:
    """A plain install makes nothing of a kind that a cluster may lack."""
    kinds = {(obj["apiVersion"].split("/")[0], obj["kind"]) for obj in rendered()}
    assert not {kind for group, kind in kinds if group.startswith("monitoring")}


def test_without_redis_there_is_no_alert_on_it() -> None:
    """An operator that runs without Redis on purpose does not alarm that it is away."""
    values = {"settings": {"onRedisOutage": "direct"}, "redis": {"embedded": {"enabled": False}}}
    [rule] = of_kind(rendered({**ON, **values}), "PrometheusRule")
    assert "RedisDown" not in yaml.dump(rule)
