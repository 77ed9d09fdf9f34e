"""The script of one run: which build is applied when, what users do, and which harm is done at which moment."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any

from publishbuild.names import LABEL_BUILD
from tests.faults.fault_box import pause
from tests.faults.harms import Harms
from tests.faults.history import History
from tests.faults.operators import wait_for
from tests.faults.plan import Act, MomentFault, Plan, UserAct
from tests.faults.recorder import Recorder
from tests.faults.users import Users

_SEEN_SECONDS = 10.0


class Script:
    """Moments are counted in Jobs that were seen, so that they do not depend on how fast the machine is."""

    def __init__(self, plan: Plan, history: History, users: Users, recorder: Recorder, harms: Harms) -> None:
        self._plan, self._history = plan, history
        self._users, self._recorder, self._harms = users, recorder, harms
        self._applied: set[str] = set()

    async def begin(self) -> None:
        """Apply the builds that are there before an operator is."""
        for build in self._plan.builds:
            if build.at == 0:
                await self._apply(build.name)

    def unfinished(self) -> list[str]:
        """In sentences, what is left of the plan: builds that have not ended, Jobs of builds that were deleted."""
        found: list[str] = []
        for build in self._plan.builds:
            if build.name not in self._applied:
                found.append(f"{build.name} was never applied")
            elif not self._users.has_ended(build):
                status = (self._users.build_now(build) or {}).get("status") or {}
                shown = f"{status.get('phase')} {(status.get('queue') or {}).get('reason') or ''}".rstrip()
                found.append(f"{build.name} has not ended ({shown})")
            elif Act.DELETE_BUILD in self._plan.acts_on(build.name) and self._has_orphan(build.name):
                found.append(f"the Job of {build.name}, which was deleted, is still there")
        return found

    def _has_orphan(self, name: str) -> bool:
        gone = self._users.build_now(self._plan.build(name)) is None
        jobs = self._recorder.now["jobs"].values()
        return gone and any(job["metadata"]["labels"].get(LABEL_BUILD) == name for job in jobs)

    def steps(self) -> Iterator[Coroutine[Any, Any, None]]:
        """All that comes later, each step waiting for its moment."""
        for build in self._plan.builds:
            if build.at > 0:
                yield self._at(build.at, partial(self._apply, build.name))
        for act in self._plan.acts:
            yield self._at(act.at, partial(self._act, act), after=act.name)
        for moment in self._plan.moments:
            yield self._at(moment.at, partial(self._harm, moment))

    async def _at(self, jobs: int, step: Callable[[], Coroutine[Any, Any, None]], after: str | None = None) -> None:
        """Do ``step`` once so many Jobs were seen, or once nothing is left that could make one."""

        def due() -> bool:
            enough = len(self._recorder.job_uids) >= jobs or self._all_applied_ended()
            return enough and (after is None or after in self._applied)

        while not due():
            await pause(0.05)
        await step()

    async def _apply(self, name: str) -> None:
        build = self._plan.build(name)
        await self._users.apply(build)
        await wait_for(lambda: self._users.build_now(build) is not None, seconds=_SEEN_SECONDS)
        self._applied.add(name)

    async def _act(self, act: UserAct) -> None:
        if await self._users.act(act):
            self._history.injected[f"user: {act.act}"] += 1

    async def _harm(self, moment: MomentFault) -> None:
        self._history.injected[moment.harm] += 1
        if not await self._harms.do(moment):
            self._history.injected[moment.harm] -= 1

    def _all_applied_ended(self) -> bool:
        return all(self._users.has_ended(self._plan.build(name)) for name in self._applied)
