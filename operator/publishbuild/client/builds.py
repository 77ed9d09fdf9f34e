"""PublishBuilds, as plain dicts: look, create, change, follow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

from publishbuild import names
from publishbuild.client.errors import NotFoundError
from publishbuild.client.outcome import outcome
from publishbuild.client.requests import Requests
from publishbuild.client.watching import Change, Watching
from publishbuild.cluster.api import MERGE_PATCH, Object

_ROOT = f"/apis/{names.API_VERSION}"


class Builds:
    """The PublishBuilds of a cluster. All methods raise `publishbuild.client.errors.PublishBuildError`."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def get(self, namespace: str, name: str) -> Object:
        """The build as it is now."""
        return await self._requests.get(_path(namespace, name))

    async def list_all(self, namespace: str | None, *, selector: str = "") -> list[Object]:
        """The builds of a namespace, None for all; ``selector`` is one of labels. The oldest come first."""
        items, _ = await self._requests.list_all(_path(namespace), _query(selector))
        return sorted(items, key=lambda build: build["metadata"]["creationTimestamp"])

    async def create(self, namespace: str, manifest: Object, *, dry_run: bool = False) -> Object:
        """Create a build; the API server checks it in full, unknown fields included, and fills in the defaults."""
        query = {"fieldValidation": "Strict"} | ({"dryRun": "All"} if dry_run else {})
        return await self._requests.send("POST", _path(namespace), body=manifest, query=query)

    async def patch_spec(self, namespace: str, name: str, **fields: Any) -> Object:
        """Change fields of the spec; only suspend, cancel, priority and ttlSecondsAfterFinished can be changed."""
        body = {"spec": fields}
        return await self._requests.send("PATCH", _path(namespace, name), body=body, content_type=MERGE_PATCH)

    def watch(
        self,
        namespace: str | None,
        *,
        name: str = "",
        selector: str = "",
        on_trouble: Callable[[str], None] = lambda _: None,
    ) -> AsyncGenerator[Change, None]:
        """Each build as it is now, then each change, for ever: see `Watching.changes`.

        Use it with `contextlib.aclosing` where it is left before its end.
        """
        return Watching(self._requests, _path(namespace), _query(selector, name), on_trouble).changes()

    async def wait(
        self,
        namespace: str,
        name: str,
        *,
        until: Callable[[Object], bool] = lambda build: outcome(build) is not None,
        seconds: float | None = None,
        on_trouble: Callable[[str], None] = lambda _: None,
    ) -> Object:
        """The build once ``until`` holds of it, which unless given is its end.

        Raises:
            TimeoutError: where it does not hold within ``seconds``.
            NotFoundError: where there is no such build, or it is deleted meanwhile.
        """
        build = await self.get(namespace, name)
        if until(build):
            return build
        known = {build["metadata"]["uid"]: build}
        watching = Watching(self._requests, _path(namespace), _query("", name), on_trouble, known)
        async with asyncio.timeout(seconds), aclosing(watching.changes()) as changes:
            async for change in changes:
                if change.deleted:
                    break
                if until(change.build):
                    return change.build
        raise NotFoundError(f"PublishBuild {name} was deleted while it was waited for")


def _path(namespace: str | None, name: str = "") -> str:
    inside = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
    return f"{_ROOT}{inside}/{names.PLURAL}" + (f"/{quote(name, safe='')}" if name else "")


def _query(selector: str, name: str = "") -> dict[str, str]:
    query = {"labelSelector": selector} if selector else {}
    return query | ({"fieldSelector": f"metadata.name={name}"} if name else {})
