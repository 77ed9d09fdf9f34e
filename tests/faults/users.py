"""The users of a run: they apply builds and change them; and the hand that lets a pretended pod end as planned."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import Any

from publishbuild import names
from tests.faults.fault_box import pause
from tests.faults.history import History
from tests.faults.judge_builds import ending
from tests.faults.plan import Act, BuildPlan, Outcome, Plan, UserAct
from tests.faults.recorder import Recorder
from tests.faults.server import Refused, Server

Object = dict[str, Any]

_MERGE = "application/merge-patch+json"
_POLL_SECONDS = 0.05
_BUILDS = f"/apis/{names.GROUP}/{names.VERSION}"
_OUTCOME = "kwok.publishbuild.dev/outcome"


class Users:
    """They talk to the API server directly."""

    def __init__(self, plan: Plan, history: History, server: Server, recorder: Recorder) -> None:
        self._plan, self._history, self._server, self._recorder = plan, history, server, recorder

    async def apply(self, build: BuildPlan) -> None:
        """Create the build."""
        await self._server.call("POST", self._all_builds(build), build.manifest())

    async def act(self, act: UserAct) -> bool:
        """Do it once the build is so far; whether it was done, since a build may end before."""
        build = self._plan.build(act.name)
        path = f"{self._all_builds(build)}/{build.name}"
        try:
            match act.act:
                case Act.CANCEL:
                    await self._server.call("PATCH", path, {"spec": {"cancel": True}}, _MERGE)
                case Act.RESUME:
                    await self._server.call("PATCH", path, {"spec": {"suspend": False}}, _MERGE)
                case Act.PRIORITIZE:
                    await self._server.call("PATCH", path, {"spec": {"priority": 1000}}, _MERGE)
                case Act.DELETE_BUILD:
                    await self._server.call("DELETE", path)
                case Act.DELETE_JOB:
                    return await self._delete_job(build)
                case Act.DELETE_POD:
                    return await self._delete_pod(build)
        except Refused as refused:
            if refused.status != 404:
                raise
            return False
        return True

    async def let_pods_end(self) -> None:
        """For ever: the first pod of a build that is to fail and then succeed fails, the others succeed."""
        told: set[str] = set()
        seen: Counter[str] = Counter()
        wanted = {build.name for build in self._plan.builds if build.outcome is Outcome.RETRY}
        while wanted:
            await pause(_POLL_SECONDS)
            for (namespace, name), pod in list(self._recorder.now["pods"].items()):
                build = (pod["metadata"].get("labels") or {}).get(names.LABEL_BUILD, "")
                if build not in wanted or name in told or (pod.get("status") or {}).get("phase") != "Running":
                    continue
                told.add(name)
                seen[build] += 1
                outcome = "fail" if seen[build] == 1 else "succeed"
                patch = {"metadata": {"annotations": {_OUTCOME: outcome}}}
                with contextlib.suppress(Refused):  # the pod is gone by now
                    await self._server.call("PATCH", f"/api/v1/namespaces/{namespace}/pods/{name}", patch, _MERGE)

    def build_now(self, build: BuildPlan) -> Object | None:
        """The build as it is now."""
        return self._recorder.now["publishbuilds"].get((self._namespace(build), build.name))

    def has_ended(self, build: BuildPlan) -> bool:
        """Whether it has a verdict, or was deleted."""
        now = self.build_now(build)
        return now is None or ending(now.get("status") or {}) is not None

    async def _delete_job(self, build: BuildPlan) -> bool:
        # Before the Job is on record nobody could tell that it was ever there (decision 0004).
        while not self.has_ended(build):
            job = ((self.build_now(build) or {}).get("status") or {}).get("job")
            if job:
                path = f"/apis/batch/v1/namespaces/{self._namespace(build)}/jobs/{job['name']}"
                await self._server.call("DELETE", path, {"propagationPolicy": "Background"})
                return True
            await pause(_POLL_SECONDS)
        return False

    async def _delete_pod(self, build: BuildPlan) -> bool:
        while not self.has_ended(build):
            for (namespace, name), pod in list(self._recorder.now["pods"].items()):
                labels = pod["metadata"].get("labels") or {}
                if labels.get(names.LABEL_BUILD) == build.name:
                    await self._server.call("DELETE", f"/api/v1/namespaces/{namespace}/pods/{name}")
                    return True
            await pause(_POLL_SECONDS)
        return False

    def _namespace(self, build: BuildPlan) -> str:
        return self._history.namespaces[build.namespace]

    def _all_builds(self, build: BuildPlan) -> str:
        return f"{_BUILDS}/namespaces/{self._namespace(build)}/{names.PLURAL}"


async def end_tasks(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel what still runs."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
