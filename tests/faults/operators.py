"""The operators of a run: started, ended as the plan says, and started again by whoever stands in for the kubelet."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.faults.api_proxy import ApiProxy
from tests.faults.fault_box import FaultBox, pause
from tests.faults.history import Exit, History
from tests.faults.plan import Plan
from tests.faults.redis_proxy import RedisProxy
from tests.faults.server import Server
from tests.support.operator_process import OperatorProcess

_POLL_SECONDS = 0.05


class Operator:
    """One place for an operator process, with its two proxies. `writer` names the process that runs now."""

    def __init__(
        self,
        name: str,
        *,
        plan: Plan,
        folder: Path,
        server: Server,
        redis_port: int,
        faults: FaultBox,
        history: History,
        orders: Iterator[int],
        source: Path | None,
    ) -> None:
        self.name, self._plan, self._folder, self._history = name, plan, folder, history
        self._source = source
        self.api = ApiProxy(name, server, faults, history, writer=lambda: self.writer, kill=self.kill, orders=orders)
        self.redis = RedisProxy(name, redis_port, faults, kill=self.kill)
        self.process: OperatorProcess | None = None
        self.writer = name
        self._asked, self._asked_at = "", 0.0
        self._keeper: asyncio.Task[None] | None = None
        self.restarts = 0

    @property
    def log(self) -> Path:
        """Where all its processes write to."""
        return self._folder / f"{self.name}.log"

    async def start(self) -> None:
        """Start the proxies and the process, and keep the process running."""
        await self.api.start()
        await self.redis.start()
        kubeconfig = self._folder / f"{self.name}.kubeconfig"
        kubeconfig.write_text(json.dumps(self.api.kubeconfig(self._history.namespaces[0])))
        self._launch(kubeconfig)
        self._keeper = asyncio.create_task(self._keep(kubeconfig))

    async def stop(self) -> None:
        """End all of it."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self.process is not None:
            self.process.stop()
        await self.api.stop()
        await self.redis.stop()

    async def kill(self) -> None:
        """``kill -9``; the process is gone when this returns."""
        assert self.process is not None
        if self.process.is_running():
            self._asked = "kill"
            self.process.kill()

    def terminate(self) -> None:
        """SIGTERM."""
        assert self.process is not None
        if self.process.is_running():
            self._asked, self._asked_at = "term", time.monotonic()
            self.process.signal(signal.SIGTERM)

    def has_restarted_since(self, restarts: int) -> bool:
        """Whether it was started again since ``restarts`` was read."""
        return self.restarts > restarts

    async def metric(self, name: str) -> float:
        """A metric of the running process, 0 where it does not answer."""
        return await asyncio.to_thread(self._process().metric, name)

    async def get(self, path: str) -> int:
        """The HTTP status of one of its endpoints, 0 where it does not answer."""
        status, _ = await asyncio.to_thread(self._process().get, path)
        return status

    def _process(self) -> OperatorProcess:
        assert self.process is not None
        return self.process

    def _launch(self, kubeconfig: Path) -> None:
        plan, name = self._plan, f"{self.name}-{self.restarts}"
        settings = {
            "PUBLISHBUILD_MAX_CONCURRENT": str(plan.limit),
            "PUBLISHBUILD_MAX_CONCURRENT_PER_NAMESPACE": str(plan.namespace_limit),
            # A pod that holds until so many Jobs were seen needs every place that is free for those.
            "PUBLISHBUILD_RESERVED_FOR_IDLE": "0",
            "PUBLISHBUILD_ON_REDIS_OUTAGE": "direct" if plan.direct else "hold",
            "PUBLISHBUILD_RESYNC_SECONDS": str(plan.resync_seconds),
            "PUBLISHBUILD_LOG_LEVEL": "debug",
            "POD_NAME": name,
        }
        if self._source is not None:
            settings["PYTHONPATH"] = str(self._source)
        self._asked = ""
        self.process = OperatorProcess(
            self.log,
            kubeconfig=kubeconfig,
            redis_url=self.redis.url,
            namespace=",".join(self._history.namespaces),
            **settings,
        )
        self.writer = f"{name}_{self.process.pid}"

    async def _keep(self, kubeconfig: Path) -> None:
        while True:
            await asyncio.sleep(_POLL_SECONDS)
            process = self._process()
            if process.is_running():
                continue
            seconds = time.monotonic() - self._asked_at if self._asked == "term" else 0.0
            last_words = process.tail().rstrip().rpartition("\n")[2]
            # Somebody else's connection took the free port just before the operator did: no fault of its own.
            if "cannot listen on" not in last_words:
                code = process.wait_ended(1)
                gave_up = any(words in last_words for words in ("stops acting", "ends hard"))
                self._history.exits.append(
                    Exit(self.writer, code, self._asked, gave_up_leading=gave_up, seconds=seconds)
                )
            await asyncio.sleep(self._plan.restart_seconds)
            self.restarts += 1
            self._launch(kubeconfig)


async def wait_for(look: Callable[[], bool], *, seconds: float) -> bool:
    """Whether ``look`` became true within ``seconds``."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not look():
                await pause(_POLL_SECONDS)
            return True
    return False


def counter() -> Iterator[int]:
    """Numbers that order the writes of all operators of a run."""
    return itertools.count()
