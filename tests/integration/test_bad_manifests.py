"""What the API server itself refuses: each bad manifest with a message that says what is allowed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.bad_manifests import BAD, CHANGES, NO_JOB, YAML, with_fields
from tests.support.fixtures import Manifest, StartOperator
from tests.support.kube import Kube, condition
from tests.support.redis_process import RedisProcess

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(("fields", "message"), BAD)
def test_refused_at_apply(shared_kube: Kube, manifest: Manifest, fields: dict[str, Any], message: str) -> None:
    """The manifest is refused and the message says what is allowed."""
    assert message in shared_kube.refusal(with_fields(manifest("bad"), **fields))


@pytest.mark.parametrize(("spec", "message"), YAML)
def test_yaml_that_reads_otherwise_is_refused(shared_kube: Kube, spec: str, message: str) -> None:
    """What YAML makes of a careless value is refused at apply, and the message says what it is taken for."""
    head = "apiVersion: publishbuild.dev/v1alpha1\nkind: PublishBuild\nmetadata: {name: bad}\nspec:\n  "
    refused = shared_kube.kubectl("apply", "--dry-run=server", "-f", "-", stdin=f"{head}{spec}\n", check=False)
    assert refused.returncode != 0
    assert message in refused.stderr


@pytest.mark.parametrize(
    "url", ["https://me:canary@git.example/app", "https://canary@git.example/app", "http://me:canary@git.example/app"]
)
def test_a_refused_password_is_not_repeated(shared_kube: Kube, manifest: Manifest, url: str) -> None:
    """The refusal of a URL with credentials goes to terminals and CI logs: it names the field and not the value."""
    said = shared_kube.refusal(with_fields(manifest("bad"), source__git__url=url))
    assert "spec.source.git.url: Invalid value" in said
    assert "canary" not in said


def test_a_good_manifest_is_taken(shared_kube: Kube, manifest: Manifest) -> None:
    """The manifest that the bad ones are made from is itself fine, so each is refused for its one fault."""
    assert shared_kube.refusal(manifest("good")) == ""


def test_a_long_name_is_refused(shared_kube: Kube, manifest: Manifest) -> None:
    """A name of 51 characters is refused with the limit; one of 50 is taken."""
    assert "at most 50 characters" in shared_kube.refusal(manifest("n" * 51))
    assert shared_kube.refusal(manifest("n" * 50)) == ""


@pytest.mark.parametrize(("fields", "message"), CHANGES)
def test_what_is_to_be_built_cannot_change(
    shared_kube: Kube, manifest: Manifest, fields: dict[str, Any], message: str
) -> None:
    """A change of any field but the four mutable ones is refused and says which may change."""
    first = with_fields(manifest(concurrencyKey="k"), runner__affinity={"podAntiAffinity": {"a": []}})
    shared_kube.kubectl_apply(first)
    refused = shared_kube.kubectl_apply(with_fields(first, **fields), check=False)
    assert refused.returncode != 0
    assert message in refused.stderr
    assert "only suspend, cancel, priority, ttlSecondsAfterFinished may change" in refused.stderr


def test_the_four_mutable_fields_may_change(shared_kube: Kube, manifest: Manifest) -> None:
    """suspend, priority, ttlSecondsAfterFinished and cancel may change, and cancel only one way."""
    first = manifest()
    shared_kube.kubectl_apply(first)
    shared_kube.kubectl_apply(with_fields(first, suspend=True, priority=7, ttlSecondsAfterFinished=1, cancel=True))
    shared_kube.kubectl_apply(with_fields(first, suspend=False, priority=0, cancel=True))
    refused = shared_kube.kubectl_apply(with_fields(first, cancel=False), check=False)
    assert "spec.cancel is one way" in refused.stderr


def test_what_no_pod_can_hold_ends_as_invalid_spec(
    kube: Kube, redis: RedisProcess, start_operator: StartOperator, manifest: Manifest
) -> None:
    """A build whose Job the API server will never take ends as Failed/InvalidSpec and says why; the next one runs."""
    assert redis.url
    start_operator(max_concurrent=1)
    for number, case in enumerate(NO_JOB):
        fields: Any = case.values[0]
        message = str(case.values[1])
        kube.apply(with_fields(manifest(f"bad-{number}"), **fields))
        build = kube.wait_phase(f"bad-{number}", "Failed")
        assert condition(build, "Succeeded")["reason"] == "InvalidSpec", case.id
        assert message in condition(build, "Succeeded")["message"], case.id
        assert build["status"]["failure"]["reason"] == "InvalidSpec"
    kube.apply(manifest("good"))
    kube.wait_phase("good", "Succeeded")
