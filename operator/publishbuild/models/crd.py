"""The CustomResourceDefinition, made from the models so that schema, defaults and help text cannot drift apart.

``publishbuild crd`` prints it; ``make generate`` writes it to ``crds/``; ``make verify`` proves that file current.
"""

from __future__ import annotations

from typing import Any

import yaml
from pydantic import BaseModel

from publishbuild import names
from publishbuild.models import rules
from publishbuild.models.spec import PublishBuildSpec
from publishbuild.models.status import NEVER_OBSERVED, PublishBuildStatus

Schema = dict[str, Any]

_KEPT = (
    "type", "description", "default", "enum", "pattern", "format", "minimum", "maximum", "minLength", "maxLength",
    "minItems", "maxItems", "maxProperties", "required",
)  # fmt: skip


def crd() -> Schema:
    """The CustomResourceDefinition as a dict in the order in which people read it."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names.PLURAL}.{names.GROUP}"},
        "spec": {
            "group": names.GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": names.KIND,
                "listKind": f"{names.KIND}List",
                "plural": names.PLURAL,
                "singular": names.SINGULAR,
                "shortNames": [names.SHORT_NAME],
            },
            "versions": [
                {
                    "name": names.VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": _columns(),
                    "schema": {"openAPIV3Schema": _root()},
                }
            ],
        },
    }


def crd_yaml() -> str:
    """`crd` as YAML, with a line that says where it comes from."""
    head = "# Made from operator/publishbuild/models by `make generate`; do not edit.\n"
    return head + yaml.dump(crd(), Dumper=_WithoutAliases, sort_keys=False, width=110, allow_unicode=True)


class _WithoutAliases(yaml.SafeDumper):
    """Writes what occurs twice twice: anchors are hard to read in a manifest."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # the base class's signature
        return True


def _root() -> Schema:
    spec = _structural_of(PublishBuildSpec)
    spec["x-kubernetes-validations"] = _spec_rules(spec)
    status = _without_defaults(_structural_of(PublishBuildStatus))
    # kstatus takes a resource without a status for done: Flux and Helm would go on before the operator has looked.
    status["default"] = {"observedGeneration": NEVER_OBSERVED}
    return {
        "description": "A PublishBuild builds an Expo app at one revision and submits it to the stores, once.",
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": status,
        },
        "x-kubernetes-validations": [rules.name_length(names.MAX_BUILD_NAME)],
    }


def _without_defaults(schema: Schema) -> Schema:
    """A status that the operator wrote shows nothing that the API server added."""
    made = {key: value for key, value in schema.items() if key != "default"}
    if "properties" in made:
        made["properties"] = {name: _without_defaults(inner) for name, inner in made["properties"].items()}
    if "items" in made:
        made["items"] = _without_defaults(made["items"])
    return made


def _spec_rules(spec: Schema) -> list[Schema]:
    fixed = [field for field in spec["properties"] if field not in rules.MUTABLE_FIELDS]
    present = {
        field
        for field, schema in spec["properties"].items()
        if "default" in schema or field in spec.get("required", ())
    }
    return [rules.immutable(field, always_present=field in present) for field in fixed] + [rules.ONE_WAY_CANCEL]


def _columns() -> list[Schema]:
    def column(name: str, path: str, kind: str = "string", *, wide: bool = False) -> Schema:
        return {"name": name, "type": kind, "jsonPath": path} | ({"priority": 1} if wide else {})

    return [
        column("Phase", ".status.phase"),
        column("Position", ".status.queue.position", "integer"),
        column("Platform", ".spec.platform"),
        column("Profile", ".spec.profile"),
        column("Attempts", ".status.attempts", "integer"),
        column("Reason", '.status.conditions[?(@.type=="Succeeded")].reason'),
        column("Age", ".metadata.creationTimestamp", "date"),
        column("Commit", ".status.source.commit", wide=True),
        column("Job", ".status.job.name", wide=True),
        column("Started", ".status.startTime", "date", wide=True),
        column("Finished", ".status.completionTime", "date", wide=True),
    ]


def _structural_of(model: type[BaseModel]) -> Schema:
    schema = model.model_json_schema(by_alias=True, mode="validation")
    return _structural(schema, schema.get("$defs", {}))


def _structural(schema: Schema, definitions: Schema) -> Schema:
    """A JSON schema as Kubernetes takes it: no references, no unions with null, no titles."""
    merged = _resolved(schema, definitions)
    if merged.get("x-kubernetes-int-or-string"):
        return {"x-kubernetes-int-or-string": True}
    made = {key: merged[key] for key in _KEPT if merged.get(key) is not None}
    made |= {key: value for key, value in merged.items() if key.startswith("x-kubernetes-")}
    if isinstance(made.get("default"), dict):
        made["default"] = {key: value for key, value in made["default"].items() if value is not None}
    if "x-kubernetes-preserve-unknown-fields" in made:
        return made
    if "properties" in merged:
        made["properties"] = {name: _structural(inner, definitions) for name, inner in merged["properties"].items()}
    if isinstance(merged.get("additionalProperties"), dict):
        made["additionalProperties"] = _structural(merged["additionalProperties"], definitions)
    if "items" in merged:
        made["items"] = _structural(merged["items"], definitions)
    return made


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    """``schema`` with its reference and its optional union laid in; what stands beside them wins."""
    beside = {key: value for key, value in schema.items() if key not in ("$ref", "anyOf", "allOf")}
    if "$ref" in schema:
        target = definitions[schema["$ref"].rpartition("/")[2]]
        return _resolved(target, definitions) | beside
    options = [option for option in schema.get("anyOf") or () if option.get("type") != "null"]
    if len(options) == 1:
        return _resolved(options[0], definitions) | beside
    return beside
