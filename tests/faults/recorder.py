"""Watches builds, Jobs and pods of a run's namespaces straight at the API server, without a gap, and records all."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp

from publishbuild import names
from tests.faults.history import BuildSeen, History, JobSeen
from tests.faults.server import Server

Object = dict[str, Any]

_ROOTS = {
    "publishbuilds": f"/apis/{names.GROUP}/{names.VERSION}",
    "jobs": "/apis/batch/v1",
    "pods": "/api/v1",
}


class GapError(Exception):
    """The recorder may have missed something, so this run proves nothing."""


class Recorder:
    """Fills ``history``; ``now`` holds the objects as they are: resource -> (namespace, name) -> object."""

    def __init__(self, server: Server, history: History) -> None:
        self._server, self._history = server, history
        self.now: dict[str, dict[tuple[str, str], Object]] = {resource: {} for resource in _ROOTS}
        self.job_uids: set[str] = set()
        # How often a Job or pod has changed.
        self.changes = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """List, then watch from there for ever."""
        for namespace in self._history.namespaces:
            for resource, root in _ROOTS.items():
                path = f"{root}/namespaces/{namespace}/{resource}"
                listed = await self._server.call("GET", path)
                assert not listed["items"], f"{namespace} is not fresh"
                version = str(listed["metadata"]["resourceVersion"])
                self._tasks.append(asyncio.create_task(self._follow(path, resource, version)))

    async def stop(self) -> None:
        """Stop watching.

        Raises:
            GapError: a watch had ended before.
        """
        ended = [task for task in self._tasks if task.done()]
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for task in ended:
            raise GapError(f"the recorder lost its watch: {task.exception()}")

    async def _follow(self, path: str, resource: str, version: str) -> None:
        while True:
            url = f"{self._server.url}{path}?watch=true&allowWatchBookmarks=true&resourceVersion={version}"
            try:
                async with self._server.session.get(url, headers=self._server.headers) as answer:
                    async for line in answer.content:
                        event = json.loads(line)
                        if event["type"] == "ERROR":
                            raise GapError(str(event["object"].get("message")))
                        version = event["object"]["metadata"]["resourceVersion"]
                        if event["type"] != "BOOKMARK":
                            self._take(resource, event["object"], deleted=event["type"] == "DELETED")
            except (aiohttp.ClientError, ValueError):
                continue  # from where it was cut, so nothing is missed

    def _take(self, resource: str, obj: Object, *, deleted: bool) -> None:
        metadata = obj["metadata"]
        place = (metadata["namespace"], metadata["name"])
        self.changes += resource != "publishbuilds"
        if deleted:
            self.now[resource].pop(place, None)
        else:
            self.now[resource][place] = obj
        if resource == "jobs":
            self.job_uids.add(metadata["uid"])
            self._history.jobs.append(job_seen(obj, deleted=deleted))
        elif resource == "publishbuilds":
            self._history.builds.append(
                BuildSeen(
                    revision=int(metadata["resourceVersion"]),
                    namespace=metadata["namespace"],
                    name=metadata["name"],
                    uid=metadata["uid"],
                    status=obj.get("status") or {},
                    deleted=deleted,
                )
            )


def job_seen(job: Object, *, deleted: bool) -> JobSeen:
    """A Job's change, as the judge needs it."""
    metadata = job["metadata"]
    verdict = ""
    for condition in (job.get("status") or {}).get("conditions") or ():
        if condition["status"] == "True" and condition["type"] in ("Complete", "Failed"):
            verdict = "Complete" if condition["type"] == "Complete" else condition["reason"]
    return JobSeen(
        revision=int(metadata["resourceVersion"]),
        namespace=metadata["namespace"],
        build=(metadata.get("labels") or {}).get(names.LABEL_BUILD, ""),
        uid=metadata["uid"],
        verdict=verdict,
        deleted=deleted,
        key=(metadata.get("annotations") or {}).get(names.ANNOTATION_KEY, ""),
        deleting="deletionTimestamp" in metadata,
    )
