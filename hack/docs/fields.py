"""`docs/fields.md`: every field of a PublishBuild, from the CustomResourceDefinition and so from the models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hack.docs.markdown import code, heading_link, plain, table
from publishbuild.models.crd import crd
from publishbuild.models.rules import MUTABLE_FIELDS

Schema = dict[str, Any]

_HEAD = f"""\
# Fields

Every field of a PublishBuild; `kubectl explain pb.spec` says the same in a terminal. This page is made from the models
by `make generate`; do not edit it.

Of a spec that was applied only {", ".join(code(field) for field in MUTABLE_FIELDS)} may change: a new build is a new
PublishBuild. The API server refuses what breaks a rule named here, and says which.
"""


def fields_page() -> str:
    """The page as Markdown."""
    root = crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    name_rules = [f"- {plain(rule['message'])}" for rule in root["x-kubernetes-validations"]]
    sections = [*_sections("spec", root["properties"]["spec"]), *_sections("status", root["properties"]["status"])]
    return "\n\n".join([_HEAD.strip(), "\n".join(name_rules), *sections]) + "\n"


def _sections(path: str, schema: Schema) -> Iterator[str]:
    """The section of the object at ``path``, then those of the objects in it, in the order of the schema."""
    parts = [f"## {path}", plain(schema["description"]), _fields_table(path, schema)]
    if rules := _object_rules(path, schema):
        parts.append("\n".join(f"- {rule}" for rule in rules))
    yield "\n\n".join(parts)
    for name, inner in schema["properties"].items():
        if "properties" in (held := _held(inner)):
            yield from _sections(_path(path, name, inner), held)


def _fields_table(path: str, schema: Schema) -> str:
    fields, required = schema["properties"], schema.get("required", ())
    if path.startswith("status"):
        return table(
            ("field", "type", "meaning"), ((_label(path, *f), _type(f[1]), _meaning(f[1])) for f in fields.items())
        )
    return table(
        ("field", "type", "default", "meaning"),
        (
            (
                _label(path, name, inner),
                _type(inner),
                "required" if name in required else _default(inner),
                _meaning(inner),
            )
            for name, inner in fields.items()
        ),
    )


def _label(path: str, name: str, schema: Schema) -> str:
    is_object = "properties" in _held(schema)
    return heading_link(code(name), _path(path, name, schema)) if is_object else code(name)


def _meaning(schema: Schema) -> str:
    sentences = [schema.get("description", ""), *([] if "properties" in schema else _limits(schema))]
    return plain(" ".join(sentence for sentence in sentences if sentence))


def _path(path: str, name: str, schema: Schema) -> str:
    return f"{path}.{name}[]" if "items" in schema else f"{path}.{name}"


def _held(schema: Schema) -> Schema:
    """The schema of what is in a list, else the schema itself."""
    held: Schema = schema.get("items", schema)
    return held


def _type(schema: Schema) -> str:
    if "items" in schema:
        return f"list of {_type(schema['items'])}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"map of {_type(schema['additionalProperties'])}"
    if schema.get("x-kubernetes-int-or-string"):
        return "quantity"
    if schema.get("format") == "date-time":
        return "time"
    kind: str = schema["type"]
    return kind


def _default(schema: Schema) -> str:
    default = schema.get("default")
    if default is None or isinstance(default, dict):
        return "none"
    return code(str(default).lower() if isinstance(default, bool) else str(default))


def _limits(schema: Schema) -> Iterator[str]:
    """What the API server checks in one field, a sentence each."""
    if "enum" in schema:
        yield f"One of {', '.join(code(str(value)) for value in schema['enum'])}."
    if "minimum" in schema or "maximum" in schema:
        yield f"{schema.get('minimum', '…')} to {schema.get('maximum', '…')}."
    if "maxLength" in schema:
        yield f"At most {schema['maxLength']} characters."
    if "maxItems" in schema or "maxProperties" in schema:
        yield f"At most {schema.get('maxItems', schema.get('maxProperties'))} entries."
    for rule in schema.get("x-kubernetes-validations", ()):
        yield f"It {rule['message']}."


def _object_rules(path: str, schema: Schema) -> list[str]:
    """Rules of the object as a whole; that most of a spec is immutable is said at the top of the page."""
    rules = [rule for rule in schema.get("x-kubernetes-validations", ()) if "is immutable" not in rule["message"]]
    return [f"{code(path + rule.get('fieldPath', ''))}: {plain(rule['message'])}" for rule in rules]
