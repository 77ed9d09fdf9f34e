"""Puts the rooms together, starts them in order and stops them in order."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import secrets
import signal
import socket
import threading
import time
from datetime import UTC, datetime
from typing import Any

import structlog

from publishbuild import names
from publishbuild.arrivals import Arrivals
from publishbuild.bells import Bells
from publishbuild.build_queue.places import Places
from publishbuild.build_queue.redis_queue import RedisQueue, check_url
from publishbuild.callbacks import Callbacks
from publishbuild.cluster.api import Api
from publishbuild.cluster.connect import connect, pod_namespace
from publishbuild.cluster.events import Events
from publishbuild.cluster.leases import Leases
from publishbuild.cluster.objects import JOBS, NAMESPACES, PODS, Cluster
from publishbuild.cluster.pause_look import UNWATCHED_SECONDS, PauseLook
from publishbuild.cluster.pauses import Pauses
from publishbuild.cluster.resync import Resync
from publishbuild.cluster.store import Store
from publishbuild.cluster.watch import Watch
from publishbuild.dispatcher import Dispatcher
from publishbuild.handlers import Watcher
from publishbuild.launching import Launching
from publishbuild.leadership import Leadership, LeadershipLostError
from publishbuild.observe.answer import NOT_LEADING, Answer
from publishbuild.observe.callback_endpoints import callback_endpoints
from publishbuild.observe.endpoints import endpoints
from publishbuild.observe.http import HttpServer
from publishbuild.observe.metrics import Metrics
from publishbuild.observe.outcomes import Outcomes
from publishbuild.queue_view import QueueView
from publishbuild.reconcile import Defaults, Reconciler
from publishbuild.reporting import Reporting
from publishbuild.settings import Settings, redis_url_error, variable

log = structlog.get_logger(__name__)

# Reconciles at once: of those that were given a place, and of all others.
LAUNCH_WORKERS = 64
WORKERS = 32
EVENT_WORKERS = 4
UNHEALTHY_AFTER_SECONDS = 120.0
# Kubernetes gives 30 s; the promise is 10 s, so what is under way gets most of that.
DRAIN_SECONDS = 6.0
LAST_EVENT_WORKERS = 28
LAST_EVENTS_SECONDS = 1.5
WATCH_STOP_SECONDS = 2.0
FIRST_LAUNCHES_SECONDS = 2.0
# After these the process ends whatever still keeps it: nobody may act without the lease, and SIGTERM has its limit.
LOST_SECONDS = 3.0
STOP_SECONDS = 9.5
# A start reads thousands of objects, all of them alive: to look through them as often as Python does by default took
# half of its time.
GARBAGE_THRESHOLDS = (10_000, 20, 50)


def _now() -> datetime:
    return datetime.now(UTC)


class Service:
    """One operator process."""

    def __init__(self, settings: Settings, api: Api, metrics: Metrics) -> None:
        self._settings = settings
        self._api = api
        self._metrics = metrics
        identity, own_namespace = _identity(), _own_namespace(settings)
        leases = Leases(api, own_namespace, names.OPERATOR_NAME)
        self._leadership = Leadership(leases, identity, clock=time.monotonic, moment=_now)
        cluster = Cluster(
            api,
            settings.watch_namespaces,
            may_write=lambda: self._leadership.held,
            write_seconds=lambda: self._leadership.seconds_of_lease,
        )
        outcomes = Outcomes(metrics, _now)
        self._store = Store(_now, self._ring)
        self._pauses = Pauses(own_namespace, self._pause_changed)
        pause_seconds = UNWATCHED_SECONDS if settings.watch_namespaces else settings.resync_seconds
        self._pause_look = PauseLook(cluster, self._pauses, own=own_namespace, seconds=pause_seconds)
        self._places = Places(
            self._store,
            limit=settings.max_concurrent,
            namespace_limit=settings.max_concurrent_per_namespace,
            direct=settings.on_redis_outage == "direct",
            paused_by=self._pauses.paused_by,
        )
        self._view = QueueView(self._store, self._places, clock=_now, monotonic=time.monotonic)
        self._events = Events(cluster, _now, identity)
        self._queue = RedisQueue(settings.redis_url, epoch=secrets.token_hex(8))
        self._callbacks = Callbacks(
            self._store,
            synced=lambda: self._synced,
            leads=lambda: self._leadership.held,
            ring_after=self._ring_after,
            clock=_now,
        )
        self._reconciler = Reconciler(
            cluster=cluster,
            store=self._store,
            places=self._places,
            events=self._events,
            metrics=metrics,
            launching=Launching(cluster, self._store),
            reporting=Reporting(cluster, self._store, self._events, outcomes),
            defaults=Defaults(settings.runner_image, settings.aging_seconds, settings.callback_url),
            progress=self._callbacks,
            clock=_now,
            new_token=lambda: secrets.token_urlsafe(16),
            wake_after=self._ring_after,
            rest=self._rest,
        )
        self._bells = Bells(self._reconciler, outcomes.on_error, random.random)
        self._resync = Resync(cluster, self._store, seconds=settings.resync_seconds, clock=time.monotonic)
        self._dispatcher = Dispatcher(
            queue=self._queue,
            places=self._places,
            ring=self._ring,
            ring_first=self._bells.ring_first,
            shown=self._view.shown,
            metrics=metrics,
            clock=time.time,
            monotonic=time.monotonic,
            spread=random.random,
            may_act=lambda: self._leadership.held,
        )
        self._loop = asyncio.get_running_loop()
        self._watcher = Watcher(Arrivals(self._loop, self._take_in).put, settings.watch_namespaces)
        self._watches = [
            (resource, Watch(cluster, resource, namespace, on_change=self._take_in, relist=self._resync.list))
            for resource in (JOBS, PODS)
            for namespace in settings.watch_namespaces or ("",)
        ]
        self._servers = self._made_servers()
        self._synced = False
        self._knows_queue = False
        self._claiming: list[asyncio.Task[None]] = []
        self._keeping: asyncio.Task[None] | None = None
        metrics.show_queue(self._view.depth, self._view.running)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set, then finish what is under way.

        Raises:
            LeadershipLostError: the lease was lost; nothing more was written.
        """
        for server in self._servers.values():
            await server.start()
        ports = {name: server.port for name, server in self._servers.items()}
        log.info("operator starts", **ports, **_shown_settings(self._settings))
        work = asyncio.create_task(self._work())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
        finally:
            stopping.cancel()
            await self._stop(work)

    async def _work(self) -> None:
        """The whole life: know the cluster, lead, at once or after a time as a standby, work. Ends only by an error."""
        try:
            async with asyncio.TaskGroup() as tasks:
                leads = await self._leadership.take()
                if leads:
                    self._keeping = tasks.create_task(self._keep())
                await self._resync.first()
                self._synced = True
                tasks.create_task(self._resync.run())
                for resource, watch in self._watches:
                    tasks.create_task(watch.run(self._resync.versions[resource]))
                if not leads:
                    await self._stand_by(tasks)
                await self._pause_look.first()
                tasks.create_task(self._pause_look.run())
                self._places.begin(self._store.launched_namespaces())
                self._metrics.leader.set(1)
                await self._lead(tasks)
        except ExceptionGroup as group:
            lost = group.subgroup(LeadershipLostError)
            if lost is None:
                raise
            raise LeadershipLostError(str(lost.exceptions[0])) from group

    async def _stand_by(self, tasks: asyncio.TaskGroup) -> None:
        """Follow the cluster until this process leads."""
        self._watcher.start()
        await self._leadership.acquire()
        self._keeping = tasks.create_task(self._keep())
        # The watches may have missed what the last leader did: nothing is decided on that.
        await self._resync.first()

    async def _keep(self) -> None:
        try:
            await self._leadership.keep()
        except LeadershipLostError:
            _end_within(LOST_SECONDS)
            raise

    async def _lead(self, tasks: asyncio.TaskGroup) -> None:
        for _ in range(EVENT_WORKERS):
            tasks.create_task(self._events.deliver())
        # A start without Redis is seen, said and shown at once.
        await self._dispatcher.take_turn()
        for first, count in ((True, LAUNCH_WORKERS), (False, WORKERS)):
            for _ in range(count):
                tasks.create_task(self._bells.answer(first=first))
        # Nothing is claimed before all builds have been looked at once: the order must know all who wait.
        self._places.opening = True
        await self._bells.answered(self._store.uids())
        self._places.opening = False
        self._knows_queue = True
        log.info("operator is ready", builds=len(self._store.uids()), waiting=len(self._places.waiting))
        await self._launch_first()
        self._watcher.start()
        self._claiming += [
            tasks.create_task(self._dispatcher.run()),
            tasks.create_task(self._dispatcher.refresh_positions()),
        ]
        self._places.changed.set()

    async def _launch_first(self) -> None:
        """Launch who may start at once, before kopf begins: its first list takes longer than all that was before."""
        await self._dispatcher.take_turn()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_LAUNCHES_SECONDS):
                await self._bells.answered(self._store.uids())

    async def _stop(self, work: asyncio.Task[None]) -> None:
        """Stop in order. Without the lease nothing may be finished; with it, it is given back last."""
        _end_within(STOP_SECONDS)
        log.info("operator stops: no new claims, finishes what is under way", under_way=self._bells.unanswered)
        self._synced = self._knows_queue = False
        for task in self._claiming:
            task.cancel()
        watch_stopped = asyncio.create_task(asyncio.to_thread(self._watcher.stop, WATCH_STOP_SECONDS))
        if self._leadership.held and not work.done():
            await self._finish()
            if self._keeping is not None:
                # A renewal that is on its way would take back what is given back.
                self._keeping.cancel()
                await asyncio.wait({self._keeping})
            await self._leadership.release()
        self._metrics.leader.set(0)
        work.cancel()
        await asyncio.gather(work, watch_stopped, return_exceptions=True)
        await self._queue.close()
        await self._api.close()
        await asyncio.gather(*(server.stop() for server in self._servers.values()))
        log.info("operator stopped")

    async def _finish(self) -> None:
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._bells.finish()
        except TimeoutError:
            log.warning("not all that was under way could be finished", under_way=self._bells.unanswered)
        # The standby waits for the lease meanwhile, so the Events that are due go out all at once.
        posting = [asyncio.create_task(self._events.deliver()) for _ in range(LAST_EVENT_WORKERS)]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_EVENTS_SECONDS):
                await self._events.delivered()
        for task in posting:
            task.cancel()

    def unhealthy(self) -> str | None:
        """Why the process should be started again: the API server has not answered for too long."""
        if self._watcher.has_ended:
            return "the watch has ended"
        last = self._resync.last_success
        if last is None:
            return None
        age = time.monotonic() - last
        return f"no list or watch succeeded for {age:.0f} s" if age > UNHEALTHY_AFTER_SECONDS else None

    def unready(self) -> str | None:
        """Why it cannot work yet, as leader or as warm standby."""
        return None if self._synced else "the caches are not synced"

    def queue(self) -> Answer:
        """The exact order of the queue, for ``/v1/queue``; only the leader knows it."""
        if not (self._knows_queue and self._leadership.held):
            return NOT_LEADING
        return Answer(200, self._view.text())

    def _made_servers(self) -> dict[str, HttpServer]:
        """By the setting of their port; pods are listened to only where they are told of it."""
        settings = self._settings
        apps = {"http_port": (endpoints(self, self._metrics), settings.http_port)}
        if settings.callback_url:
            apps["callback_port"] = (callback_endpoints(self._callbacks), settings.callback_port)
        return {field: HttpServer(app, port, setting=variable(field)) for field, (app, port) in apps.items()}

    def _ring(self, uid: str) -> None:
        self._bells.ring(uid)

    def _ring_after(self, uid: str, seconds: float) -> None:
        self._bells.ring_after(uid, seconds)

    def _rest(self, uid: str) -> None:
        self._bells.rest(uid)

    def _take_in(self, resource: str, obj: dict[str, Any], deleted: bool) -> None:
        self._resync.heard()
        if resource == NAMESPACES:
            self._pauses.apply(obj, deleted=deleted)
        else:
            self._store.apply(resource, obj, deleted=deleted)

    def _pause_changed(self) -> None:
        self._places.look_again()


def _end_within(seconds: float) -> None:
    """End the process hard in ``seconds``, unless it has ended by then."""

    def end() -> None:
        log.error("still not ended: ends hard", seconds=seconds)
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


def _identity() -> str:
    """This process's name on the Lease. In a pod it is the same after a restart of the container, which may go on."""
    return f"{os.environ.get('POD_NAME') or socket.gethostname()}_{os.getpid()}"


def _own_namespace(settings: Settings) -> str:
    """The pod's own namespace; outside of a cluster, the first that is watched."""
    return pod_namespace() or (settings.watch_namespaces[0] if settings.watch_namespaces else "default")


def _shown_settings(settings: Settings) -> dict[str, Any]:
    """The settings for the log: all but the Redis URL, which may hold a password."""
    return settings.model_dump(exclude={"redis_url", "http_port", "callback_port"})


async def serve(settings: Settings) -> None:
    """Run one operator until SIGTERM or SIGINT.

    Raises:
        SettingsError: a REDIS_URL that cannot be used.
        ListenError: a port cannot be listened on.
        ApiError: where no cluster can be reached by service account or kubeconfig.
        LeadershipLostError: another operator leads now, or the API server could not be reached in time.
    """
    try:
        check_url(settings.redis_url)
    except ValueError as error:
        raise redis_url_error(error) from None
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    metrics = Metrics()
    api = await connect(metrics.count_request)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await Service(settings, api, metrics).run(stop)
