"""The API server for load: dicts over 32 connections, and a watch that goes on where it was cut."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kubernetes.aio import client as kube_client
from kubernetes.aio import config as kube_config

from publishbuild import names
from publishbuild.cluster.api import MERGE_PATCH, NOT_FOUND, Api, ApiError
from publishbuild.cluster.objects import BUILDS, JOBS
from tests.support.kube import Object

CONNECTIONS = 32
_WATCH_SECONDS = 60


_ROOTS = {BUILDS: f"/apis/{names.API_VERSION}", JOBS: "/apis/batch/v1"}


def path_of(namespace: str, name: str = "", *, resource: str = BUILDS) -> str:
    """Where a namespace's objects of ``resource`` are, or the one of that name."""
    root = f"{_ROOTS[resource]}/namespaces/{namespace}/{resource}"
    return f"{root}/{name}" if name else root


class FastKube:
    """Creates, changes, deletes and watches PublishBuilds; use it in an ``async with`` block."""

    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig
        self._open = asyncio.Semaphore(CONNECTIONS)

    async def __aenter__(self) -> Self:
        configuration = kube_client.Configuration()
        await kube_config.load_kube_config(  # type: ignore[no-untyped-call]  # not typed there
            config_file=str(self._kubeconfig), client_configuration=configuration
        )
        self._api = Api(kube_client.ApiClient(configuration), lambda *_: None)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._api.close()

    async def create(self, namespace: str, manifests: Iterable[Object]) -> None:
        """Create all, many at once and in no order."""

        async def one(manifest: Object) -> None:
            async with self._open:
                await self._api.request("POST", path_of(namespace), resource=names.PLURAL, body=manifest)

        async with asyncio.TaskGroup() as tasks:
            for manifest in manifests:
                tasks.create_task(one(manifest))

    async def patch_spec(self, namespace: str, name: str, **fields: Any) -> None:
        """Change fields of the spec; that the build is gone is as good."""
        await self._one("PATCH", namespace, name, {"spec": fields}, MERGE_PATCH)

    async def delete(self, namespace: str, name: str) -> None:
        """Delete the build; that it is gone already is as good."""
        await self._one("DELETE", namespace, name, {}, "application/json")

    async def _one(self, verb: str, namespace: str, name: str, body: Object, kind: str) -> None:
        try:
            async with self._open:
                await self._api.request(
                    verb, path_of(namespace, name), resource=names.PLURAL, body=body, content_type=kind
                )
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise

    async def watch(self, namespace: str, resource: str = BUILDS) -> AsyncIterator[tuple[str, Object]]:
        """Every change of a namespace's builds, or Jobs, as (ADDED, MODIFIED or DELETED, object), for ever."""
        path = path_of(namespace, resource=resource)
        listed = await self._api.request("GET", path, resource=resource)
        version = listed["metadata"]["resourceVersion"]
        for build in listed["items"]:
            yield "ADDED", build
        while True:
            query = {"watch": "1", "resourceVersion": version, "timeoutSeconds": str(_WATCH_SECONDS)}
            async for event in self._stream(path, query):
                assert event["type"] != "ERROR", event["object"]
                version = event["object"]["metadata"]["resourceVersion"]
                yield event["type"], event["object"]

    async def _stream(self, path: str, query: dict[str, str]) -> AsyncIterator[Object]:
        lines = self._api.lines(path, resource=names.PLURAL, query=query, silence_seconds=_WATCH_SECONDS * 2)
        async with aclosing(lines):
            async for line in lines:
                yield json.loads(line)
