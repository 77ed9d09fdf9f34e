"""Sends builds through one operator with a level backlog, and samples the operator on the way."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from tests.soak.builds import Fate, Planned, planned
from tests.soak.samples import Sample, take
from tests.support.fast_kube import FastKube
from tests.support.kube import Object, condition
from tests.support.operator_process import OperatorProcess

# So many ended builds stay where ended ones are deleted, as a person or a GitOps tool would keep a history.
HISTORY = 200
SILENCE_SECONDS = 180.0


@dataclass(frozen=True)
class Plan:
    """``backlog`` is how many builds wait or run at once; ``disturb`` maps a count of ended builds to a disturbance."""

    builds: int
    backlog: int
    keep: bool
    every: int
    seed: int
    disturb: dict[int, Callable[[], None]] = field(default_factory=dict)


class Soak:
    """One run. `run` ends once every build has ended or was deleted."""

    def __init__(self, plan: Plan, kube: FastKube, namespace: str, operator: OperatorProcess) -> None:
        self.plan = plan
        self.samples: list[Sample] = []
        self.outcomes: Counter[str] = Counter()
        self._kube = kube
        self._namespace = namespace
        self._operator = operator
        self._room = asyncio.Semaphore(plan.backlog)
        self._sent: dict[str, Planned] = {}
        self._ended: set[str] = set()
        self._history: deque[str] = deque()
        self._told: set[str] = set()
        self._deleted = 0
        self._errands: set[asyncio.Task[None]] = set()
        self._failed: list[BaseException] = []
        self._began = time.monotonic()
        self._last_end = self._began

    async def run(self) -> None:
        """Send all builds and wait for all ends.

        Raises:
            AssertionError: no build has ended for `SILENCE_SECONDS`, or the operator has stopped.
        """
        watching = asyncio.create_task(self._watch())
        sending = asyncio.create_task(self._send())
        try:
            await self._wait_for_ends(watching, sending)
        finally:
            for task in (watching, sending, *self._errands):
                task.cancel()
            await asyncio.gather(watching, sending, *self._errands, return_exceptions=True)

    async def _wait_for_ends(self, watching: asyncio.Task[None], sending: asyncio.Task[None]) -> None:
        said = 0.0
        while len(self._ended) < self.plan.builds:
            await asyncio.sleep(0.2)
            for task in (watching, sending):
                if task.done():
                    task.result()
            if self._failed:
                raise self._failed[0]
            now = time.monotonic()
            assert self._operator.is_running(), f"the operator has stopped: {self._operator.tail()}"
            assert now - self._last_end < SILENCE_SECONDS, f"no build has ended for {SILENCE_SECONDS:.0f} s"
            if now - said > 10:
                said = now
                print(f"  {now - self._began:5.0f} s: {len(self._ended):,} of {self.plan.builds:,} ended", flush=True)
        await self._sample()

    async def _send(self) -> None:
        draw = random.Random(self.plan.seed)  # noqa: S311  # a mix, not a secret
        for number in range(self.plan.builds):
            await self._room.acquire()
            build = planned(number, draw)
            self._sent[build.manifest["metadata"]["name"]] = build
            self._do(self._kube.create(self._namespace, [build.manifest]))

    async def _watch(self) -> None:
        async for kind, build in self._kube.watch(self._namespace):
            self._seen(kind, build)

    def _seen(self, kind: str, build: Object) -> None:
        name, phase = build["metadata"]["name"], build.get("status", {}).get("phase", "")
        if name in self._ended:
            return
        if kind == "DELETED":
            self._end(name, "Deleted")
            self._deleted += 1
        elif condition(build, "Succeeded").get("status") in {"True", "False"}:
            self._end(name, phase)
            self._history.append(name)
            while not self.plan.keep and len(self._history) > HISTORY:
                self._deleted += 1
                self._do(self._kube.delete(self._namespace, self._history.popleft()))
        elif name not in self._told:
            self._meet_fate(name, self._sent[name].fate, phase)

    def _meet_fate(self, name: str, fate: Fate, phase: str) -> None:
        running = phase == "Running"
        if fate is Fate.CANCELLED_WAITING or (fate is Fate.CANCELLED_RUNNING and running):
            self._told.add(name)
            self._do(self._kube.patch_spec(self._namespace, name, cancel=True))
        elif fate is Fate.DELETED_RUNNING and running:
            self._told.add(name)
            self._do(self._kube.delete(self._namespace, name))

    def _end(self, name: str, outcome: str) -> None:
        self._ended.add(name)
        self._sent.pop(name)
        self._told.discard(name)
        self.outcomes[outcome] += 1
        self._last_end = time.monotonic()
        self._room.release()
        count = len(self._ended)
        if count % self.plan.every == 0 and count < self.plan.builds:
            self._do(self._sample())
        if count in self.plan.disturb:
            self._do(asyncio.to_thread(self.plan.disturb[count]))

    async def _sample(self) -> None:
        ended, kept = len(self._ended), len(self._ended) - self._deleted
        seconds = time.monotonic() - self._began
        sample = await asyncio.to_thread(take, self._operator, ended=ended, kept=kept, seconds=seconds)
        self.samples.append(sample)

    def _do(self, errand: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._errands.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._failed.append(task.exception() or RuntimeError())
