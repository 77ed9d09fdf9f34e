"""Two hundred manifests spoiled at random: refused with the place that is wrong, or built, or failed; never a crash."""

from __future__ import annotations

import json
import os
import random
from typing import Any

import pytest
from kubernetes import client
from pydantic import ValidationError

from publishbuild import names
from publishbuild.models.spec import PublishBuildSpec
from tests.support.fixtures import Manifest, StartOperator
from tests.support.kube import Kube, Object, condition
from tests.support.operator_process import OperatorProcess
from tests.support.spoiled_manifests import Spoiled, spoiled
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

COUNT = 200


def test_none_stops_the_operator(kube: Kube, start_operator: StartOperator, manifest: Manifest) -> None:
    """Each is refused with 4xx and the place, or gets a status; those that the models cannot read end as InvalidSpec.

    A good build that comes after them all succeeds, and no look at any of them has failed.
    """
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(2**32))
    print(f"replay with SEED={seed}")  # noqa: T201  # pytest shows it where the test fails
    draw = random.Random(seed)  # noqa: S311  # a manifest, not a secret
    operator = start_operator(max_concurrent=COUNT + 1)
    stored = [made for n in range(COUNT) if (made := send(kube, spoiled(draw, f"bad-{n:03d}")))]
    assert 0 < len(stored) < COUNT
    kube.apply(manifest("good"))
    kube.wait_phase("good", "Succeeded", seconds=60)
    until(lambda: not without_status(kube), seconds=60, what="each stored one has a status")
    kept = {build["metadata"]["name"]: build for build in kube.all_builds()}
    for build in stored:
        is_read_or_ends(kept[build["metadata"]["name"]])
    assert operator.is_running()
    assert failed_looks(operator) == []


def send(kube: Kube, one: Spoiled) -> Object | None:
    """The build as stored; None where it was refused, as it should be."""
    try:
        made: Object = kube.builds.create_namespaced_custom_object(
            names.GROUP, names.VERSION, kube.namespace, names.PLURAL, one.manifest, field_validation="Strict"
        )
    except client.ApiException as error:
        refused = error
    else:
        return made
    said = str(json.loads(refused.body or "{}").get("message", ""))
    assert 400 <= refused.status < 500, (one.places, said)
    assert any(is_named(place, said) for place in one.places), (one.places, said[:500])
    return None


def is_named(place: tuple[str | int, ...], said: str) -> bool:
    """Whether a message names the place, or what holds it."""
    path = [part for part in place if isinstance(part, str)]
    return any(".".join(("spec", *path[:length])) in said for length in range(len(path), 0, -1))


def without_status(kube: Kube) -> list[str]:
    return [build["metadata"]["name"] for build in kube.all_builds() if not build.get("status", {}).get("phase")]


def is_read_or_ends(build: Object) -> None:
    """The models read the stored spec, or the build has ended as InvalidSpec."""
    assert can_be_read(build["spec"]) or condition(build, "Succeeded").get("reason") == "InvalidSpec", build


def can_be_read(spec: Object) -> bool:
    try:
        PublishBuildSpec.model_validate(spec)
    except ValidationError:
        return False
    return True


def failed_looks(operator: OperatorProcess) -> list[dict[str, Any]]:
    """Log lines that tell of a failure in the operator; an API server that does not answer is none."""
    lines = operator.logs()
    errors = [line for line in lines if line["level"] in {"error", "critical"} or "exception" in line]
    return [line for line in errors if not str(line.get("error", "")).startswith("ApiError: no answer")]
