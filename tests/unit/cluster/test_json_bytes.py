"""Objects as JSON."""

from __future__ import annotations

import json

from publishbuild.cluster.json_bytes import json_bytes


def test_integers_past_64_bits_are_written() -> None:
    """A number that the quick library cannot write, and the API server gives all the same, stops no build."""
    obj = {"weight": 2**64, "name": "ü"}
    assert json.loads(json_bytes(obj)) == obj
