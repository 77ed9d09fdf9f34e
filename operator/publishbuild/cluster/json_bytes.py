"""Objects as JSON, quickly."""

from __future__ import annotations

import json
from typing import Any

import orjson


def json_bytes(obj: Any) -> bytes:
    """``obj`` as JSON."""
    try:
        return orjson.dumps(obj)
    except TypeError:
        # An integer past 64 bits: the API server gives such ones where a spec may hold any JSON, as an affinity does.
        return json.dumps(obj).encode()
