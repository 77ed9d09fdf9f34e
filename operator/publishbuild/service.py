"""Puts the rooms together, starts them in order and stops them in order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import secrets
import signal
import socket
import time
from collections import Counter
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any

import structlog

from publishbuild.bells import Bells
from publishbuild.build_queue.places import Places
from publishbuild.build_queue.redis_queue import RedisQueue
from publishbuild.cluster.api import Api, connect
from publishbuild.cluster.events import Events
from publishbuild.cluster.objects import Cluster
from publishbuild.cluster.resync import Resync
from publishbuild.cluster.store import Store
from publishbuild.decide.order import Waiting
from publishbuild.dispatcher import Dispatcher
from publishbuild.handlers import Watcher
from publishbuild.names import QueueReason
from publishbuild.observe.http import HttpServer, application
from publishbuild.observe.metrics import Metrics
from publishbuild.observe.outcomes import Outcomes
from publishbuild.reconcile import Defaults, Reconciler
from publishbuild.settings import Settings

log = structlog.get_logger(__name__)

WORKERS = 32
EVENT_WORKERS = 4
UNHEALTHY_AFTER_SECONDS = 120.0
# Kubernetes gives 30 s; the promise is 10 s, so what is under way gets most of that.
DRAIN_SECONDS = 6.0
WATCH_STOP_SECONDS = 2.0


def _now() -> datetime:
    return datetime.now(UTC)


class Service:
    """One operator process."""

    def __init__(self, settings: Settings, api: Api, metrics: Metrics) -> None:
        self._settings = settings
        self._api = api
        self._metrics = metrics
        direct = settings.on_redis_outage == "direct"
        cluster = Cluster(api, settings.watch_namespaces)
        outcomes = Outcomes(metrics)
        self._store = Store(_now, self._ring)
        self._places = Places(
            self._store, limit=settings.max_concurrent, namespace_limit=settings.max_concurrent_per_namespace
        )
        self._events = Events(cluster, _now, os.environ.get("POD_NAME") or socket.gethostname())
        self._queue = RedisQueue(settings.redis_url, epoch=secrets.token_hex(8))
        self._reconciler = Reconciler(
            cluster=cluster,
            store=self._store,
            places=self._places,
            events=self._events,
            metrics=metrics,
            outcomes=outcomes,
            defaults=Defaults(settings.runner_image, direct),
            clock=_now,
            wake_after=self._ring_after,
        )
        self._bells = Bells(self._reconciler, outcomes.on_error, random.random)
        self._resync = Resync(cluster, self._store, seconds=settings.resync_seconds, clock=time.monotonic)
        self._dispatcher = Dispatcher(
            queue=self._queue,
            places=self._places,
            ring=self._ring,
            shown=self._shown,
            metrics=metrics,
            clock=time.time,
            spread=random.random,
            direct=direct,
        )
        self._loop = asyncio.get_running_loop()
        self._watcher = Watcher(self._from_watch, settings.watch_namespaces)
        self._http = HttpServer(application(self, metrics), settings.http_port)
        self._synced = False
        self._tasks: list[asyncio.Task[None]] = []
        metrics.show_queue(self._depth, lambda: self._places.occupied().by_namespace)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set, then finish what is under way."""
        await self._http.start()
        log.info("operator starts", http_port=self._http.port, **_shown_settings(self._settings))
        starting = asyncio.create_task(self._start())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        try:
            if starting.done():
                starting.result()
            await self._until(stop)
        finally:
            starting.cancel()
            await self._stop()

    async def _start(self) -> None:
        await self._dispatcher.connect()
        await self._resync.first()
        for _ in range(WORKERS):
            self._spawn(self._bells.answer())
        for _ in range(EVENT_WORKERS):
            self._spawn(self._events.deliver())
        # Nothing is claimed before all builds have been looked at once: the order must know all who wait.
        await self._bells.idle()
        self._watcher.start()
        self._spawn(self._resync.run())
        self._spawn(self._dispatcher.run())
        self._spawn(self._dispatcher.refresh_positions())
        self._synced = True
        self._places.changed.set()
        log.info("operator is ready", builds=len(self._store.uids()), waiting=len(self._places.waiting))

    async def _until(self, stop: asyncio.Event) -> None:
        """Until ``stop`` is set; a task of ours that ends by itself is a defect and ends the process."""
        stopping = asyncio.create_task(stop.wait())
        ended, _ = await asyncio.wait({stopping, *self._tasks}, return_when=asyncio.FIRST_COMPLETED)
        for task in ended - {stopping}:
            task.result()

    async def _stop(self) -> None:
        log.info("operator stops: no new claims, finishes what is under way", under_way=self._bells.unanswered)
        self._synced = False
        claimers = self._tasks[WORKERS + EVENT_WORKERS :]
        await _cancel(claimers)
        watch_stopped = asyncio.create_task(asyncio.to_thread(self._watcher.stop, WATCH_STOP_SECONDS))
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._bells.finish()
                await self._events.delivered()
        except TimeoutError:
            log.warning("not all that was under way could be finished", under_way=self._bells.unanswered)
        await watch_stopped
        await _cancel(self._tasks)
        await self._queue.close()
        await self._api.close()
        await self._http.stop()
        log.info("operator stopped")

    def unhealthy(self) -> str | None:
        """Why the process should be started again: the API server has not answered for too long."""
        last = self._resync.last_success
        if last is None:
            return None
        age = time.monotonic() - last
        return f"no list or watch succeeded for {age:.0f} s" if age > UNHEALTHY_AFTER_SECONDS else None

    def unready(self) -> str | None:
        """Why it cannot work yet."""
        return None if self._synced else "the caches are not synced"

    def queue(self) -> dict[str, Any]:
        """The exact order of the queue, for ``/v1/queue``."""
        occupied = self._places.occupied()
        return {
            "redis": "up" if self._places.available else "unavailable",
            "limit": self._places.limit,
            "running": occupied.total,
            "waiting": [
                self._in_line(position, Waiting.read(member))
                for position, member in enumerate(self._places.order(), start=1)
            ],
        }

    def _in_line(self, position: int, waiting: Waiting) -> dict[str, Any]:
        record = self._store.record(waiting.uid)
        build = record.build if record else {"metadata": {}, "spec": {}}
        return {
            "position": position,
            "namespace": waiting.namespace,
            "name": build["metadata"].get("name"),
            "priority": build["spec"].get("priority", 0),
            "created": build["metadata"].get("creationTimestamp"),
            "reason": self._reason(waiting.uid),
        }

    def _reason(self, uid: str) -> str:
        if not self._places.available and self._settings.on_redis_outage == "hold":
            return QueueReason.REDIS_UNAVAILABLE
        record = self._store.record(uid)
        queue = record.build["status"].get("queue", {}) if record else {}
        return str(queue.get("reason", QueueReason.WAITING))

    def _shown(self, uid: str) -> tuple[int | None, bool]:
        record = self._store.record(uid)
        queue = record.build["status"].get("queue", {}) if record else {}
        return queue.get("position"), queue.get("reason") == QueueReason.REDIS_UNAVAILABLE

    def _depth(self) -> Mapping[tuple[str, str], int]:
        members = [Waiting.read(member) for member in self._places.waiting.values()]
        return Counter((waiting.namespace, self._reason(waiting.uid)) for waiting in members)

    def _ring(self, uid: str) -> None:
        self._bells.ring(uid)

    def _ring_after(self, uid: str, seconds: float) -> None:
        self._bells.ring_after(uid, seconds)

    def _from_watch(self, resource: str, obj: dict[str, Any], deleted: bool) -> None:
        """Called in kopf's thread; everything else of this class runs in the service's loop."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: the process is at its end
            self._loop.call_soon_threadsafe(self._take_in, resource, obj, deleted)

    def _take_in(self, resource: str, obj: dict[str, Any], deleted: bool) -> None:
        self._resync.heard()
        self._store.apply(resource, obj, deleted=deleted)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _shown_settings(settings: Settings) -> dict[str, Any]:
    """The settings for the log: all but the Redis URL, which may hold a password."""
    return settings.model_dump(exclude={"redis_url", "http_port"})


async def serve(settings: Settings) -> None:
    """Run one operator until SIGTERM or SIGINT.

    Raises:
        ApiError: where no cluster can be reached by service account or kubeconfig.
    """
    metrics = Metrics()
    api = await connect(metrics.count_request)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await Service(settings, api, metrics).run(stop)
