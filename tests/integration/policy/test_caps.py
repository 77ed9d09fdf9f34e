"""Caps for priority and run time on a real API server: for everybody, at creation and at each change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.kube import own_namespace
from tests.support.policies import Policies, build_of, policies_of
from tests.support.waiting import until

pytestmark = pytest.mark.integration

CAPS = {"runnerPolicy": {"maxPriority": 10, "maxRunTimeSeconds": 8000}}


@pytest.fixture(scope="module")
def capped(kubeconfig: Path) -> Iterator[Policies]:
    """A namespace with a build of priority 1000 from before there were caps."""
    with own_namespace(kubeconfig) as kube, policies_of(kube) as policies:
        old = build_of("old", priority=1000, runTimeoutSeconds=80_000, runner={"image": "old"}, suspend=True)
        assert policies.admin.refusal(old, keep=True) == ""
        policies.install({"runnerPolicy": {**CAPS["runnerPolicy"], "images": ["new"]}})
        until(lambda: policies.admin.refusal(build_of(priority=11)), seconds=30, what="the caps are in force")
        yield policies


@dataclass(frozen=True)
class Cap:
    """A field with the highest value that is allowed."""

    field: str
    most: int
    value: str


HIGHEST = [Cap("priority", 10, "maxPriority"), Cap("runTimeoutSeconds", 8000, "maxRunTimeSeconds")]


@pytest.mark.parametrize("cap", HIGHEST, ids=lambda cap: cap.field)
def test_a_new_build_keeps_the_caps(capped: Policies, cap: Cap) -> None:
    """The cap itself is allowed and one more is not, also for the admin, in words that name field, cap and value."""
    most: dict[str, Any] = {cap.field: cap.most}
    more: dict[str, Any] = {cap.field: cap.most + 1}
    assert capped.admin.refusal(build_of(**most)) == ""
    said = capped.admin.refusal(build_of(**more))
    assert f"spec.{cap.field}: {cap.most + 1} is above {cap.most}" in said
    assert f"runnerPolicy.{cap.value}" in said


def test_a_submitter_keeps_the_caps(capped: Policies) -> None:
    """Whoever may create builds alone has the same caps, when creating and when changing."""
    with closing(capped.account("submitter", role=capped.submitter_role)) as submitter:
        submitter.wait_rights()
        assert "is above 10" in submitter.refusal(build_of(priority=11))
        assert submitter.refusal(build_of("low", suspend=True), keep=True) == ""
        assert "spec.priority: 11 is above 10" in submitter.refusal_of_change("low", priority=11)
        assert submitter.refusal_of_change("low", priority=10) == ""


def test_a_build_from_before_can_be_lowered_and_stopped(capped: Policies) -> None:
    """What was taken under higher caps can be held, cancelled and lowered, and not raised to anything above the cap."""
    change = capped.admin.refusal_of_change
    assert change("old", suspend=False) == ""
    assert change("old", cancel=True) == ""
    assert change("old", priority=10) == ""
    assert "is above 10" in change("old", priority=999)


def test_nobody_is_capped_below_the_resources_own_priorities_by_default(kubeconfig: Path) -> None:
    """By default each priority is allowed, and a run of a day; a longer one is refused."""
    with own_namespace(kubeconfig) as kube, policies_of(kube) as policies:
        assert policies.admin.refusal(build_of(priority=1000, runTimeoutSeconds=86_400)) == ""
        assert "is above 86400" in policies.admin.refusal(build_of(runTimeoutSeconds=86_401))
