"""What the command writes: results to stdout, remarks to stderr, one line for an error."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NoReturn

import typer

from publishbuild import names

Object = dict[str, Any]

SUCCEEDED, USAGE, FAILED, CANCELLED, TIMED_OUT, INTERRUPTED = 0, 1, 2, 3, 4, 130


class ObjectFormat(StrEnum):
    """Formats of what was created."""

    NAME = "name"
    JSON = "json"
    YAML = "yaml"


class ListFormat(StrEnum):
    """Formats of lists."""

    WIDE = "wide"
    NAME = "name"
    JSON = "json"
    YAML = "yaml"


class DataFormat(StrEnum):
    """Formats for programs."""

    JSON = "json"
    YAML = "yaml"


def say(text: str) -> None:
    """A result, for people and scripts."""
    typer.echo(text)


def remark(text: str) -> None:
    """What scripts need not read."""
    typer.echo(text, err=True)


def refuse(text: str) -> NoReturn:
    """End with one line and exit code 1."""
    typer.echo(f"publishbuild: {text}", err=True)
    raise typer.Exit(USAGE)


def full_name(build: Object) -> str:
    """``publishbuild.publishbuild.dev/NAME``, which kubectl takes as well."""
    return f"{names.SINGULAR}.{names.GROUP}/{build['metadata']['name']}"


def say_object(build: Object, style: ObjectFormat | ListFormat) -> None:
    """The one object."""
    say(full_name(build) if style == "name" else _dumped(_shown(build), style))


def say_list(builds: Sequence[Object], style: ListFormat) -> None:
    """All objects, as kubectl would: a List, or a name a line."""
    if style == "name":
        for build in builds:
            say(full_name(build))
        return
    say(_dumped({"apiVersion": "v1", "kind": "List", "items": [_shown(build) for build in builds]}, style))


def say_data(data: Mapping[str, Any], style: str) -> None:
    """Data of the command's own."""
    say(_dumped(data, style))


def _dumped(data: Mapping[str, Any], style: str) -> str:
    if style == "json":
        return json.dumps(data, indent=2, ensure_ascii=False)
    import yaml  # noqa: PLC0415  # comes with the extra `client`, and most calls need none

    return str(yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True)).rstrip()


def _shown(build: Object) -> Object:
    """Without what only the API server reads."""
    metadata = {key: value for key, value in build["metadata"].items() if key != "managedFields"}
    return {"apiVersion": names.API_VERSION, "kind": names.KIND, **build, "metadata": metadata}
