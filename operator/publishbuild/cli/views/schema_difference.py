"""Where the CRD of a cluster differs from the one of this package."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]


def difference(ours: Object, theirs: Object) -> str:
    """The first field that differs, in words; "" where there is none. Texts for people do not count."""
    version = ours["spec"]["versions"][0]
    name = version["name"]
    other = next((one for one in theirs["spec"]["versions"] if one["name"] == name and one.get("served")), None)
    if other is None:
        return f"it does not serve {name}"
    return _schema(version["schema"]["openAPIV3Schema"], other["schema"]["openAPIV3Schema"], "")


def _schema(ours: Object, theirs: Object, place: str) -> str:
    mine, other = ours.get("properties") or {}, theirs.get("properties") or {}
    for field in sorted(mine.keys() | other.keys()):
        path = f"{place}.{field}".removeprefix(".")
        if field not in other:
            return f"the cluster's lacks {path}"
        if field not in mine:
            return f"the cluster's has {path}, which this version does not know"
        inner = _schema(mine[field], other[field], path)
        if inner:
            return inner
    if "items" in ours and "items" in theirs:
        inner = _schema(ours["items"], theirs["items"], f"{place}[]")
        if inner:
            return inner
    return "" if _bare(ours) == _bare(theirs) else f"other rules for {place or 'the whole'}"


def _bare(schema: Object) -> Object:
    """What the API server checks of the field itself."""
    return {key: value for key, value in schema.items() if key not in {"properties", "items", "description"}}
