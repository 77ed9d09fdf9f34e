"""What images are called: in full, as nodes report them, and as the chart's defaults ask for them."""

from __future__ import annotations

import pytest

from hack.images.names import chart_names, in_full
from tests.support.chart import rendered


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("redis", "docker.io/library/redis:latest"),
        ("redis:8.2", "docker.io/library/redis:8.2"),
        ("acme/app:1", "docker.io/acme/app:1"),
        ("docker.io/redis:8.2", "docker.io/library/redis:8.2"),
        ("docker.io/library/redis:8.2", "docker.io/library/redis:8.2"),
        ("registry.example/app", "registry.example/app:latest"),
        ("localhost:5000/app", "localhost:5000/app:latest"),
        ("localhost/app:dev", "localhost/app:dev"),
        ("app@sha256:0123", "docker.io/library/app@sha256:0123"),
    ],
)
def test_a_short_name_means_a_full_one(name: str, full: str) -> None:
    """Registry and tag that a name leaves out are those that every container runtime fills in."""
    assert in_full(name) == full


def test_all_images_that_the_chart_asks_for_by_default_are_made_here() -> None:
    """Every image of every pod that an installation without values starts has one of ours that stands for it."""
    containers = [
        container
        for made in rendered()
        if (pod := made.get("spec", {}).get("template", {}).get("spec"))
        for container in (*pod["containers"], *pod.get("initContainers", ()))
    ]
    runner = [e["value"] for c in containers for e in c.get("env", ()) if e["name"] == "PUBLISHBUILD_RUNNER_IMAGE"]
    assert len(runner) == 1
    asked = {in_full(name) for name in (*(container["image"] for container in containers), *runner)}
    assert {alias.name for alias in chart_names().values()} == asked
