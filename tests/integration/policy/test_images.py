"""`runnerPolicy.images` on a real API server: what each entry admits, and what only looks like it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.kube import own_namespace
from tests.support.policies import Policies, build_of, policies_of

pytestmark = pytest.mark.integration

DIGEST = f"sha256:{'0' * 64}"
LISTED = ["tool", "registry.example/mobile/", "registry.example:5000/ci/tool", "pinned:1.2"]


@pytest.fixture(scope="module")
def listed(kubeconfig: Path) -> Iterator[Policies]:
    """A namespace in which builds may use few images."""
    with own_namespace(kubeconfig) as kube, policies_of(kube, {"runnerPolicy": {"images": LISTED}}) as made:
        yield made


@pytest.mark.parametrize(
    "image",
    [
        "tool",
        "tool:1.0",
        f"tool@{DIGEST}",
        f"tool:1.0@{DIGEST}",
        "tool:5000",
        "registry.example/mobile/tool",
        "registry.example/mobile/android/tool_a-b.c:1.0",
        f"registry.example/mobile/tool@{DIGEST}",
        "registry.example:5000/ci/tool:1",
        "pinned:1.2",
        f"pinned:1.2@{DIGEST}",
    ],
)
def test_a_listed_image_is_admitted(listed: Policies, image: str) -> None:
    """A repository is admitted with any tag and digest, and below a prefix each repository."""
    assert listed.admin.refusal(build_of(runner={"image": image})) == ""


@pytest.mark.parametrize(
    "image",
    [
        "tool:5000/evil",
        "tool:5000/evil:1",
        f"tool@{DIGEST}/evil",
        "tool@evil.example/x",
        "toolbox",
        "tool/evil",
        "docker.io/library/tool",
        "evil.example/tool",
        "registry.example/mobile-evil/tool",
        "registry.example/mobile/",
        "registry.example/mobile",
        "registry.example/mobile/../evil/tool",
        "registry.example/mobile/..",
        "registry.example/mobile//tool",
        "registry.example/mobile/tool:5000/evil",
        "registry.example/mobile/%2e%2e/evil",
        "REGISTRY.example/mobile/tool",
        "registry.example@evil.example/mobile/tool",
        "registry.example:5000/ci/tool/evil",
        "pinned",
        "pinned:1.2.3",
        "pinned:1.20",
    ],
)
def test_what_only_looks_like_a_listed_image_is_refused(listed: Policies, image: str) -> None:
    """Another registry, repository or tag that begins like a listed one is refused, and told what is allowed."""
    said = listed.admin.refusal(build_of(runner={"image": image}))
    assert f"spec.runner.image: {image} is not among {', '.join(LISTED)}" in said
    assert "runnerPolicy.images" in said
    assert "\n" not in said


def test_the_operators_own_image_needs_no_entry(listed: Policies) -> None:
    """A build that names no image runs in the operator's default one."""
    assert listed.admin.refusal(build_of()) == ""
