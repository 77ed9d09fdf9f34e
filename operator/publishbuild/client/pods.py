"""The pods of a build, what they write, and the Events that speak of an object."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from publishbuild import names
from publishbuild.client.requests import Requests
from publishbuild.cluster.api import Object


class Pods:
    """What a build leaves in the cluster. All methods raise `publishbuild.client.errors.PublishBuildError`."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def of_build(self, build: Object) -> list[Object]:
        """The build's pods, an attempt each, the first one first; those of the past may be gone."""
        metadata = build["metadata"]
        query = {"labelSelector": f"{names.LABEL_UID}={metadata['uid']}"}
        items, _ = await self._requests.list_all(f"/api/v1/namespaces/{metadata['namespace']}/pods", query)
        return sorted(items, key=lambda pod: pod["metadata"]["creationTimestamp"])

    async def log(
        self,
        namespace: str,
        pod: str,
        *,
        container: str = names.RUNNER_CONTAINER,
        follow: bool = False,
        previous: bool = False,
        tail: int | None = None,
    ) -> AsyncGenerator[str, None]:
        """A container's lines, without their ends; with ``follow`` those to come as well, until the container ends.

        ``container``: the runner's own, or an earlier stage of the Expo runner (`PodFacts.containers`). ``previous``
        reads the container that ran before a restart, and ``tail`` only the last so many lines.
        """
        query: dict[str, str | int] = {"container": container}
        query |= {"follow": "true"} if follow else {}
        query |= {"previous": "true"} if previous else {}
        query |= {"tailLines": tail} if tail is not None else {}
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        async for line in self._requests.lines(path, query, silence_seconds=None):
            yield line.decode(errors="replace").rstrip("\r\n")

    async def events(self, namespace: str, uid: str) -> list[Object]:
        """The Events (core/v1) about the object of that uid, the oldest first."""
        query = {"fieldSelector": f"involvedObject.uid={uid}"}
        items, _ = await self._requests.list_all(f"/api/v1/namespaces/{namespace}/events", query)
        return sorted(items, key=event_time)


def event_time(event: Object) -> str:
    """When the Event was last seen, RFC 3339."""
    series = event.get("series") or {}
    seen = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    return str(seen or event["metadata"]["creationTimestamp"])
