"""The CRD: structural, explained, with its rules, and the committed file is current."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from publishbuild.models.crd import crd, crd_yaml
from publishbuild.models.rules import MUTABLE_FIELDS
from publishbuild.models.spec import PublishBuildSpec
from publishbuild.models.status import PublishBuildStatus
from tests.builders import a_spec

FILE = Path(__file__).parents[3] / "crds" / "publishbuild.dev_publishbuilds.yaml"
VERSION: dict[str, Any] = crd()["spec"]["versions"][0]
ROOT: dict[str, Any] = VERSION["schema"]["openAPIV3Schema"]
# What apiextensions.k8s.io/v1 allows in a structural schema, as far as this CRD needs it.
ALLOWED = {
    "type", "description", "default", "enum", "pattern", "format", "minimum", "maximum", "minLength", "maxLength",
    "minItems", "maxItems", "maxProperties", "required", "properties", "items", "additionalProperties",
    "x-kubernetes-validations", "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
    "x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string",
}  # fmt: skip


def schemas(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema in ``schema``, with its path."""
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from schemas(inner, f"{path}.{name}")
    if "items" in schema:
        yield from schemas(schema["items"], f"{path}[]")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from schemas(schema["additionalProperties"], f"{path}{{}}")


def at(path: str) -> dict[str, Any]:
    return dict(schemas(ROOT))[path]


def test_the_committed_file_is_current() -> None:
    """What `make generate` would write is what is committed."""
    assert FILE.read_text() == crd_yaml(), "run `make generate`"


def test_the_yaml_is_the_crd() -> None:
    """The file reads back as the CRD, without anchors."""
    assert yaml.safe_load(crd_yaml()) == crd()
    assert not re.search(r"[&*]id\d", crd_yaml())


def test_the_same_every_time() -> None:
    """Generating twice gives the same bytes."""
    assert crd_yaml() == crd_yaml()


def test_names_and_scope() -> None:
    """Group, kind, plural, short name and version are the contract's; the category `all` is not joined."""
    made = crd()
    assert made["metadata"]["name"] == "publishbuilds.publishbuild.dev"
    assert made["spec"]["scope"] == "Namespaced"
    names = made["spec"]["names"]
    assert (names["kind"], names["plural"], names["shortNames"]) == ("PublishBuild", "publishbuilds", ["pb"])
    assert "categories" not in names
    assert (VERSION["name"], VERSION["subresources"]) == ("v1alpha1", {"status": {}})


@pytest.mark.parametrize(("path", "schema"), list(schemas(ROOT)), ids=lambda value: value if type(value) is str else "")
def test_each_schema_is_structural(path: str, schema: dict[str, Any]) -> None:
    """No reference, union or title, one type each, and no default that is null."""
    assert set(schema) <= ALLOWED, path
    assert ("type" in schema) is not schema.get("x-kubernetes-int-or-string", False)
    assert schema.get("default", "") is not None
    if isinstance(schema.get("default"), dict):
        assert None not in schema["default"].values()
    if "required" in schema:
        assert set(schema["required"]) <= set(schema["properties"])
    if schema.get("type") == "array":
        assert "items" in schema
    if schema.get("type") == "object" and path not in ("", ".metadata"):
        shapes = {"properties", "additionalProperties", "x-kubernetes-preserve-unknown-fields"} & set(schema)
        assert len(shapes) == 1


@pytest.mark.parametrize("part", ["spec", "status"])
def test_each_field_is_explained(part: str) -> None:
    """`kubectl explain` has a sentence for every field."""
    bare = [
        f"{path}.{name}"
        for path, schema in schemas(at(f".{part}"), f".{part}")
        for name, inner in schema.get("properties", {}).items()
        if not inner.get("description", "").rstrip().endswith((".", "…"))
    ]
    assert bare == []


def test_a_status_has_no_defaults_but_one() -> None:
    """A build that nobody has looked at says so, for kstatus; to a status of the operator's nothing is added."""
    defaults = {path: schema["default"] for path, schema in schemas(at(".status")) if "default" in schema}
    assert [*defaults.values()] == [{"observedGeneration": -1}]
    assert at(".status")["default"] == {"observedGeneration": -1}


def test_defaults_are_good_values() -> None:
    """What the API server fills in is what the operator would have taken, and is valid by itself."""
    filled = {name: schema["default"] for name, schema in at(".spec")["properties"].items() if "default" in schema}
    with_defaults = PublishBuildSpec.model_validate(a_spec(**filled))
    assert with_defaults == PublishBuildSpec.model_validate(a_spec())


@pytest.mark.parametrize("field", sorted(at(".spec")["properties"]))
def test_what_may_change_and_what_may_not(field: str) -> None:
    """Every field of the spec but four is immutable, and the message says what to do instead."""
    rules = [rule for rule in at(".spec")["x-kubernetes-validations"] if f"oldSelf.{field}" in rule["rule"]]
    immutable = [rule for rule in rules if "is immutable" in rule["message"]]
    assert bool(immutable) is (field not in MUTABLE_FIELDS)
    for rule in immutable:
        assert "new PublishBuild" in rule["message"]


def test_an_optional_field_is_never_read_where_it_is_absent() -> None:
    """A CEL rule asks `has()` before it reads a field that may be missing."""
    spec = at(".spec")
    always = {name for name, schema in spec["properties"].items() if "default" in schema} | set(spec["required"])
    for rule in spec["x-kubernetes-validations"]:
        for field in set(re.findall(r"(?:self|oldSelf)\.(\w+)", rule["rule"])) - always:
            assert f"has(self.{field})" in rule["rule"]


def test_cancel_is_one_way() -> None:
    """The API server refuses to take a cancellation back."""
    rules = [rule["rule"] for rule in at(".spec")["x-kubernetes-validations"]]
    assert "!oldSelf.cancel || self.cancel" in rules


def test_names_are_short_enough_for_what_is_made_from_them() -> None:
    """CEL at the root limits metadata.name."""
    (rule,) = ROOT["x-kubernetes-validations"]
    assert rule["rule"] == "size(self.metadata.name) <= 50"


@pytest.mark.parametrize(
    ("path", "part"),
    [
        pytest.param(".spec.source.git.revision", "commit SHA", id="revision"),
        pytest.param(".spec.source.git.path", "'..'", id="path above"),
        pytest.param(".spec.source.git.path", "relative", id="absolute path"),
        pytest.param(".spec.source.git.secretRef.name", "Kubernetes object", id="Secret"),
        pytest.param(".spec.credentialsSecretRef.name", "Kubernetes object", id="credentials Secret"),
        pytest.param(".spec.profile", "eas.json", id="profile"),
        pytest.param(".spec.submit.profile", "eas.json", id="submit profile"),
        pytest.param(".spec.concurrencyKey", "empty", id="key"),
        pytest.param(".spec.runner.image", "empty", id="image"),
        pytest.param(".spec.retryOf", "Kubernetes object", id="retryOf"),
    ],
)
def test_each_rule_is_there_with_its_message(path: str, part: str) -> None:
    """What a schema cannot say is a CEL rule, with a message that a person can act on, on a bounded string."""
    schema = at(path)
    assert any(part in rule["message"] for rule in schema["x-kubernetes-validations"])
    assert "maxLength" in schema, "CEL's cost is bounded by it"


@pytest.mark.parametrize(
    ("path", "bounds"),
    [
        pytest.param(".spec.priority", (-1000, 1000), id="priority"),
        pytest.param(".spec.backoffLimit", (0, 10), id="backoffLimit"),
        pytest.param(".spec.queueTimeoutSeconds", (1, 2592000), id="queueTimeoutSeconds"),
        pytest.param(".spec.runTimeoutSeconds", (1, 604800), id="runTimeoutSeconds"),
        pytest.param(".spec.ttlSecondsAfterFinished", (0, 31536000), id="ttlSecondsAfterFinished"),
    ],
)
def test_numbers_are_bounded(path: str, bounds: tuple[int, int]) -> None:
    """The API server itself refuses numbers that make no sense."""
    schema = at(path)
    assert (schema["minimum"], schema["maximum"]) == bounds
    assert schema["type"] == "integer"


def test_every_field_of_the_models_is_in_the_crd() -> None:
    """A field that the operator writes and the CRD lacks would be pruned without a word."""
    for part, model in ((".spec", PublishBuildSpec), (".status", PublishBuildStatus)):
        assert set(at(part)["properties"]) == {str(field.alias) for field in model.model_fields.values()}


def test_columns_of_kubectl_get() -> None:
    """The columns of `kubectl get pb`, and those of `-o wide`, are the contract's."""
    columns = VERSION["additionalPrinterColumns"]
    assert [c["name"] for c in columns if not c.get("priority")] == [
        "Phase", "Position", "Platform", "Profile", "Attempts", "Reason", "Age",
    ]  # fmt: skip
    assert [c["name"] for c in columns if c.get("priority")] == ["Commit", "Job", "Started", "Finished"]


def test_columns_point_at_fields() -> None:
    """Each column shows a field that is there."""
    known = {path for path, _ in schemas(ROOT)}
    for column in VERSION["additionalPrinterColumns"]:
        path = re.sub(r"\[\?.*\]", "[]", column["jsonPath"])
        assert path in known | {".metadata.creationTimestamp"}


@pytest.mark.parametrize("part", ["must not carry credentials", "https://"])
def test_a_url_is_checked_from_around_it(part: str) -> None:
    """The rules of the URL stand on the object around it, since the API server repeats a refused string."""
    around, url = at(".spec.source.git"), at(".spec.source.git.url")
    assert any(part in rule["message"] for rule in around["x-kubernetes-validations"])
    assert {rule["fieldPath"] for rule in around["x-kubernetes-validations"]} == {".url"}
    assert "x-kubernetes-validations" not in url
    assert "maxLength" in url, "CEL's cost is bounded by it"
