"""Carries out one plan against the real cluster and hands what was seen to the judge."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.faults.fault_box import FaultBox, pause
from tests.faults.good_end import what_is_wrong
from tests.faults.harms import Harms
from tests.faults.history import History
from tests.faults.judge import Violation, judge
from tests.faults.operators import Operator, counter, wait_for
from tests.faults.plan import Plan
from tests.faults.recorder import Recorder
from tests.faults.script import Script
from tests.faults.server import Server
from tests.faults.users import Users, end_tasks
from tests.support.redis_process import RedisProcess

_FIRST_LEADER_SECONDS = 10.0
_MOST_TIMES = 4


class SuiteError(Exception):
    """The suite itself is broken: the run proves nothing."""


@dataclass(frozen=True, slots=True)
class Result:
    """One run: what was seen, what is wrong with it, and where its logs are."""

    plan: Plan
    history: History
    violations: list[Violation]
    seconds: float
    folder: Path

    def lines(self) -> Iterator[str]:
        """All that is needed to understand a run that failed."""
        yield from self.plan.lines()
        yield "injected: " + (", ".join(f"{kind} ({n})" for kind, n in self.history.injected.items()) or "nothing")
        yield from (f"VIOLATION {violation}" for violation in self.violations)
        yield f"logs: {self.folder}"


async def run(plan: Plan, kubeconfig: Path, *, source: Path | None = None, hurried: bool = False) -> Result:
    """Carry out ``plan``; the folder of its logs is removed where nothing is wrong.

    ``source``: the folder of another copy of the package. ``hurried``: nothing is asked of the operators once all
    builds have ended.

    Raises:
        SuiteError: the proxies did not do their part.
        GapError: the recorder may have missed something.
    """
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    run_id = secrets.token_hex(4)
    history = History(namespaces=tuple(f"f-{run_id}-{number}" for number in range(plan.namespaces)))
    async with Server(kubeconfig) as server, _namespaces(server, history):
        redis = RedisProcess(folder)
        await asyncio.to_thread(redis.start)
        try:
            await _Run(plan, history, server, redis, folder, source, hurried=hurried).carry_out()
        finally:
            redis.stop()
    if history.suite_errors or not history.watches_opened:
        raise SuiteError("; ".join(history.suite_errors[:3]) or "no watch was opened through the proxies")
    violations = judge(plan, history)
    if not violations:
        shutil.rmtree(folder)
    return Result(plan, history, violations, time.monotonic() - started, folder)


@asynccontextmanager
async def _namespaces(server: Server, history: History) -> AsyncIterator[None]:
    for name in history.namespaces:
        await server.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    try:
        yield
    finally:
        for name in history.namespaces:
            await server.call("DELETE", f"/api/v1/namespaces/{name}")


class _Run:
    """The moving parts of one run."""

    def __init__(
        self,
        plan: Plan,
        history: History,
        server: Server,
        redis: RedisProcess,
        folder: Path,
        source: Path | None,
        *,
        hurried: bool,
    ) -> None:
        self._plan, self._history, self._redis, self._hurried = plan, history, redis, hurried
        self._recorder = Recorder(server, history)
        self._users = Users(plan, history, server, self._recorder)
        faults, orders = FaultBox(plan.points, history), counter()
        self._operators = [
            Operator(
                f"op-{'ab'[number]}",
                plan=plan,
                folder=folder,
                server=server,
                redis_port=redis.port,
                faults=faults,
                history=history,
                orders=orders,
                source=source,
            )
            for number in range(plan.operators)
        ]
        self._script = Script(plan, history, self._users, self._recorder, Harms(redis, self._operators))

    async def carry_out(self) -> None:
        """All of the plan, then a wait for the end of all builds."""
        await self._recorder.start()
        pods = asyncio.create_task(self._users.let_pods_end())
        try:
            await self._script.begin()
            for operator in self._operators:
                await operator.start()
                # The first to start leads, unless a fault keeps it from that.
                await wait_for(self._somebody_led, seconds=_FIRST_LEADER_SECONDS)
            script = [asyncio.create_task(step) for step in self._script.steps()]
            try:
                await self._until_all_ended(script)
            finally:
                await end_tasks(script)
            if not self._history.unfinished and not self._hurried:
                await self._good_end()
        finally:
            for operator in self._operators:
                await operator.stop()
            await end_tasks([pods])
            await self._recorder.stop()

    def _somebody_led(self) -> bool:
        return any(write.holder for write in self._history.writes)

    async def _until_all_ended(self, script: list[asyncio.Task[None]]) -> None:
        """Wait for the script, then for the builds; note what has not ended in time."""
        await self._until(lambda: all(task.done() for task in script))
        for task in script:
            if task.done():
                task.result()
        await self._until(lambda: not self._script.unfinished())
        still = f"and for {self._plan.end_seconds:.0f} s no Job or pod had changed"
        self._history.unfinished += [f"{said}, {still}" for said in self._script.unfinished()]

    async def _until(self, done: Callable[[], bool]) -> None:
        """Until ``done``, or no Job and no pod has changed for ``end_seconds``: the cluster may be slow too."""
        last, since = -1, time.monotonic()
        latest = since + _MOST_TIMES * self._plan.end_seconds
        while not done() and time.monotonic() < min(latest, since + self._plan.end_seconds):
            if self._recorder.changes != last:
                last, since = self._recorder.changes, time.monotonic()
            await pause(0.05)

    async def _good_end(self) -> None:
        """The operators are well, the queue is empty; and a restart changes nothing of what has ended."""
        self._history.end += await what_is_wrong(self._operators, self._redis)
        if not self._plan.restarts_at_end or self._history.end:
            return
        for operator in self._operators:
            before = operator.restarts
            operator.terminate()
            await wait_for(partial(operator.has_restarted_since, before), seconds=15)
        self._history.injected["restart after the end"] += 1
        self._history.end += await what_is_wrong(self._operators, self._redis)
