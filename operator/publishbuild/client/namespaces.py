"""Namespaces: an annotation holds all builds of one, or of all where it is on the operator's own."""

from __future__ import annotations

from urllib.parse import quote

from publishbuild import names
from publishbuild.client.requests import Requests
from publishbuild.cluster.api import MERGE_PATCH


class Namespaces:
    """All methods raise `publishbuild.client.errors.PublishBuildError`."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def is_paused(self, namespace: str) -> bool:
        """Whether the namespace's own annotation holds its builds."""
        found = await self._requests.get(_path(namespace))
        value = (found["metadata"].get("annotations") or {}).get(names.ANNOTATION_PAUSED, "")
        return str(value).strip().lower() == "true"

    async def set_paused(self, namespace: str, paused: bool) -> None:
        """Let nothing of the namespace start, or let it start again; what runs goes on."""
        body = {"metadata": {"annotations": {names.ANNOTATION_PAUSED: "true" if paused else None}}}
        await self._requests.send("PATCH", _path(namespace), body=body, content_type=MERGE_PATCH)


def _path(namespace: str) -> str:
    return f"/api/v1/namespaces/{quote(namespace, safe='')}"
