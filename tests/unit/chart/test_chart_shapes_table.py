"""The table of shapes that the API server is shown leaves out no value that changes a template."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import yaml

from hack.demo.helm import CHART
from tests.support.chart import Object
from tests.support.chart_shapes import DIMENSIONS

VALUES: Object = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA: Object = json.loads((CHART / "values.schema.json").read_text())


def choices(schema: Object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each place of a boolean or of one of several words, with each value that it may have."""
    for key, part in schema.get("properties", {}).items():
        options = [True, False] if part.get("type") == "boolean" else part.get("enum", ())
        yield from (((*path, key), option) for option in options)
        yield from choices(part, (*path, key))


def settled(values: Object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each place of ``values`` with what is set there."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from settled(value, (*path, key))
        elif isinstance(value, (bool, str)):
            yield (*path, key), value


def test_every_boolean_and_every_word_is_shown_to_the_api_server() -> None:
    """Each value that the schema lists one by one is a default or in the table, so that no new one is forgotten."""
    shown = set(settled(VALUES))
    for options in DIMENSIONS.values():
        for option in options:
            shown |= set(settled(option))
    assert set(choices(SCHEMA)) - shown == set()


def test_every_group_of_values_is_in_the_table() -> None:
    """Each top-level value is changed in some shape, but for those that are numbers and texts alone."""
    changed = {key for options in DIMENSIONS.values() for option in options for key in option}
    plain = {"httpPort", "resources", "terminationGracePeriodSeconds", "podSecurityContext", "securityContext"}
    assert set(VALUES) - changed == plain | {"runner"}
