"""The requests of this operator, a verb each: what it may do to a cluster can be read off this file."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Callable, Sequence

from publishbuild import names
from publishbuild.cluster import list_watch
from publishbuild.cluster.api import (
    MERGE_PATCH,
    NOT_FOUND,
    REQUEST_SECONDS,
    Api,
    ApiError,
    NotLeaderError,
    Object,
)
from publishbuild.cluster.list_watch import Listing, Query

_BUILDS = f"/apis/{names.GROUP}/{names.VERSION}"
_EVENT_NAME_HEX = 16

BUILDS, JOBS, PODS, NAMESPACES = "publishbuilds", "jobs", "pods", "namespaces"
_PLACES = {
    BUILDS: (_BUILDS, ""),
    JOBS: ("/apis/batch/v1", names.JOB_SELECTOR),
    PODS: ("/api/v1", names.JOB_SELECTOR),
}


class Cluster:
    """What the operator asks of the API server. All methods raise `ApiError`.

    ``may_write`` is asked before each write: a process that does not lead (any more) changes nothing. ``write_seconds``
    is how long one may take, so that none is still on its way when somebody else leads.
    """

    def __init__(
        self,
        api: Api,
        namespaces: Sequence[str] = (),
        *,
        may_write: Callable[[], bool] = lambda: True,
        write_seconds: Callable[[], float] = lambda: REQUEST_SECONDS,
    ) -> None:
        self._api = api
        self._namespaces = namespaces
        self._may_write = may_write
        self._write_seconds = write_seconds

    async def list_all(self, resource: str, *, selector: str | None = None) -> tuple[Listing, int]:
        """All objects of ``resource`` in the watched namespaces, and the oldest resourceVersion of the lists."""
        query = _selected(selector or _PLACES[resource][1])
        listing, oldest = Listing(), sys.maxsize
        for namespace in self._namespaces or ("",):
            path = _path(resource, namespace)
            async for items, version in list_watch.pages(self._api, path, resource=resource, query=query):
                listing.add(items)
                oldest = min(oldest, int(version))
        return listing, oldest

    def changes(self, resource: str, namespace: str, version: int) -> AsyncGenerator[tuple[str, Object], None]:
        """What changes after ``version`` in ``namespace``, "" for all: see `publishbuild.cluster.list_watch`."""
        return list_watch.changes(
            self._api, _path(resource, namespace), version, resource=resource, query=_selected(_PLACES[resource][1])
        )

    async def namespaces(self, own: str) -> list[Object]:
        """The Namespaces that may pause builds: all, or the watched ones and the operator's ``own``."""
        if not self._namespaces:
            pages = list_watch.pages(self._api, f"/api/v1/{NAMESPACES}", resource=NAMESPACES)
            return [namespace async for items, _ in pages for namespace in items]
        found = [await self._get(f"/api/v1/{NAMESPACES}/{name}", NAMESPACES) for name in {*self._namespaces, own}]
        return [namespace for namespace in found if namespace is not None]

    async def probe(self) -> None:
        """The cheapest list: shows that the API server answers this operator."""
        await self._api.request("GET", self._first_path(), resource=BUILDS, query={"limit": 1})

    async def get_build(self, namespace: str, name: str) -> Object | None:
        """The build as it is now, or None where there is none."""
        return await self._get(f"{_BUILDS}/namespaces/{namespace}/{names.PLURAL}/{name}", BUILDS)

    async def get_job(self, namespace: str, name: str) -> Object | None:
        """The Job as it is now, or None where there is none."""
        return await self._get(f"/apis/batch/v1/namespaces/{namespace}/jobs/{name}", JOBS)

    async def pods_of(self, namespace: str, build_uid: str) -> list[Object]:
        """The build's pods as they are now."""
        query = {"labelSelector": f"{names.LABEL_UID}={build_uid}"}
        answer = await self._api.request("GET", f"/api/v1/namespaces/{namespace}/pods", resource=PODS, query=query)
        items: list[Object] = answer["items"]
        return items

    async def create_job(self, namespace: str, manifest: Object) -> Object:
        """Create the Job; 409 where one of that name exists."""
        return await self._write("POST", f"/apis/batch/v1/namespaces/{namespace}/jobs", resource=JOBS, body=manifest)

    async def set_job_ttl(self, namespace: str, name: str, seconds: int) -> Object:
        """Let the Job go ``seconds`` after its end."""
        return await self._write(
            "PATCH",
            f"/apis/batch/v1/namespaces/{namespace}/jobs/{name}",
            resource=JOBS,
            body={"spec": {"ttlSecondsAfterFinished": seconds}},
            content_type=MERGE_PATCH,
        )

    async def delete_job(self, namespace: str, name: str, uid: str) -> None:
        """Delete the Job of that uid once its pods have ended; that it is gone already is success."""
        body = {"propagationPolicy": "Foreground", "preconditions": {"uid": uid}}
        path = f"/apis/batch/v1/namespaces/{namespace}/jobs/{name}"
        try:
            await self._write("DELETE", path, resource=JOBS, body=body)
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise

    async def write_status(self, build: Object, status: Object) -> Object:
        """Replace the build's status; 409 where the build changed since ``build`` was read."""
        metadata = build["metadata"]
        body = {
            "apiVersion": names.API_VERSION,
            "kind": names.KIND,
            "metadata": {key: metadata[key] for key in ("name", "namespace", "uid", "resourceVersion")},
            "spec": build["spec"],
            "status": status,
        }
        path = f"{_BUILDS}/namespaces/{metadata['namespace']}/{names.PLURAL}/{metadata['name']}/status"
        return await self._write("PUT", path, resource=f"{BUILDS}/status", body=body)

    async def post_event(self, event: Object) -> None:
        """Post an Event of events.k8s.io/v1."""
        namespace = event["metadata"]["namespace"]
        path = f"/apis/events.k8s.io/v1/namespaces/{namespace}/events"
        await self._write("POST", path, resource="events", body=event)

    async def _write(
        self, verb: str, path: str, *, resource: str, body: Object, content_type: str = "application/json"
    ) -> Object:
        if not self._may_write():
            raise NotLeaderError
        seconds = min(REQUEST_SECONDS, self._write_seconds())
        return await self._api.request(
            verb, path, resource=resource, body=body, content_type=content_type, seconds=seconds
        )

    async def _get(self, path: str, resource: str) -> Object | None:
        try:
            return await self._api.request("GET", path, resource=resource)
        except ApiError as error:
            if error.status == NOT_FOUND:
                return None
            raise

    def _first_path(self) -> str:
        return _path(BUILDS, self._namespaces[0] if self._namespaces else "")


def _path(resource: str, namespace: str) -> str:
    """Where ``resource`` is listed and watched; "" is all namespaces."""
    root = _PLACES[resource][0]
    return f"{root}/namespaces/{namespace}/{resource}" if namespace else f"{root}/{resource}"


def _selected(selector: str) -> Query:
    return {"labelSelector": selector} if selector else {}
