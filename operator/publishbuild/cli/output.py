"""What the command says: results on stdout, remarks on stderr, one line for an error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NoReturn

import typer

from publishbuild import names
from publishbuild.cli.documents import as_json, as_yaml
from publishbuild.cli.terminal import write

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


def say(*texts: str) -> None:
    """Results, for people and scripts, each on a line of its own."""
    write(*texts)


def say_document(text: str) -> None:
    """A text of the command's own making, on as many lines as it has."""
    write(*text.removesuffix("\n").split("\n"))


def remark(text: str) -> None:
    """What scripts need not read, on one line."""
    write(text, stderr=True)


def refuse(text: str) -> NoReturn:
    """End with one line and exit code 1."""
    write(f"publishbuild: {text}", stderr=True)
    raise typer.Exit(USAGE)


def full_name(build: Object) -> str:
    """``publishbuild.publishbuild.dev/NAME``, which kubectl takes as well."""
    return f"{names.SINGULAR}.{names.GROUP}/{build['metadata']['name']}"


def say_object(build: Object, style: ObjectFormat | ListFormat) -> None:
    """The one object."""
    if style == "name":
        say(full_name(build))
    else:
        say_data(_shown(build), style)


def say_list(builds: Sequence[Object], style: ListFormat) -> None:
    """All objects, as kubectl would: a List, or a name a line."""
    if style != "name":
        say_data({"apiVersion": "v1", "kind": "List", "items": [_shown(build) for build in builds]}, style)
    elif builds:
        say(*map(full_name, builds))


def say_data(data: Mapping[str, Any], style: str) -> None:
    """Data for programs."""
    say_document(as_json(data) if style == "json" else as_yaml(data))


def _shown(build: Object) -> Object:
    """Without what only the API server reads."""
    metadata = {key: value for key, value in build["metadata"].items() if key != "managedFields"}
    return {"apiVersion": names.API_VERSION, "kind": names.KIND, **build, "metadata": metadata}
