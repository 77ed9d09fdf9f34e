"""The release of the chart that `test_chart` and `test_attacks` install, and builds for it."""

from __future__ import annotations

from typing import Any

from tests.support.kube import Object

OPERATOR, BUILDS = "chart-operator", "chart-builds"
RELEASE = "publishbuild-operator"
SECONDS = 150


def a_build(name: str, script: str = "true", **spec: Any) -> Object:
    """A build whose one container runs a line of shell, with few resources."""
    runner = {"command": ["sh", "-c", script], "resources": {"requests": {"cpu": "1m", "memory": "8Mi"}}}
    return {
        "apiVersion": "publishbuild.dev/v1alpha1",
        "kind": "PublishBuild",
        "metadata": {"name": name},
        "spec": {
            "source": {"git": {"url": "https://git.example/app.git"}},
            **spec,
            "runner": {**runner, **spec.get("runner", {})},
        },
    }
