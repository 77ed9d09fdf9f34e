"""Starts the rooms of `publishbuild.rooms` in order, and stops them in order."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from publishbuild.build_queue.redis_queue import check_url
from publishbuild.cluster.api import Api
from publishbuild.cluster.connect import connect
from publishbuild.cluster.objects import BUILDS
from publishbuild.leadership import LeadershipLostError
from publishbuild.lease_thread import LeaseThread
from publishbuild.observe.answer import NOT_LEADING, Answer
from publishbuild.observe.callback_endpoints import callback_endpoints
from publishbuild.observe.endpoints import endpoints
from publishbuild.observe.http import HttpServer
from publishbuild.observe.metrics import Metrics
from publishbuild.rooms import Rooms
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
# Who cannot list the cluster in that time gives the Lease to a standby that knows it already.
FIRST_LIST_SECONDS = 10.0
# kopf's watch of Namespaces begins long before that, or the periodic looks have to do.
PAUSES_HEARD_SECONDS = 10.0
# By then kopf, which starts after the first launches, sees the changes of builds.
KOPF_STARTS_SECONDS = 60.0
# After these the process ends whatever still keeps it: nobody may act without the lease, and SIGTERM has its limit.
LOST_SECONDS = 3.0
STOP_SECONDS = 9.5
# A start reads thousands of objects, all of them alive: to look through them as often as Python does by default took
# half of its time.
GARBAGE_THRESHOLDS = (10_000, 20, 50)


class Service:
    """One operator process. ``connect`` makes another `Api` like ``api``, for the thread that renews the Lease."""

    def __init__(
        self, settings: Settings, api: Api, metrics: Metrics, *, connect: Callable[[], Awaitable[Api]]
    ) -> None:
        self._settings = settings
        self._api = api
        self._connect = connect
        self._metrics = metrics
        self._rooms = Rooms(settings, api, metrics)
        self._servers = self._made_servers()
        metrics.show_connections(
            {field.removesuffix("_port"): server.connections for field, server in self._servers.items()}
        )
        self._knows_queue = False
        self._is_stopping = False
        self._claiming: list[asyncio.Task[None]] = []
        self._keeping: asyncio.Task[None] | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set, then finish what is under way.

        Raises:
            LeadershipLostError: the lease was lost; nothing more was written.
        """
        try:
            for server in self._servers.values():
                await server.start()
        except BaseException:
            await self._close()
            raise
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
                leads = await self._rooms.leadership.take()
                if leads:
                    self._keeping = tasks.create_task(self._keep())
                leads = await self._know_cluster(tasks, leads=leads)
                self._rooms.synced = True
                tasks.create_task(self._rooms.resync.run())
                for resource, watch in self._rooms.watches:
                    tasks.create_task(watch.run(self._rooms.resync.versions[resource]))
                if leads:
                    self._watch_builds_until_kopf_does(tasks)
                else:
                    await self._stand_by(tasks)
                await self._rooms.pause_look.first()
                tasks.create_task(self._rooms.pause_look.run())
                self._rooms.places.begin(self._rooms.store.launched_namespaces())
                self._metrics.leader.set(1)
                await self._lead(tasks)
        except ExceptionGroup as group:
            lost = group.subgroup(LeadershipLostError)
            if lost is None:
                raise
            raise LeadershipLostError(str(lost.exceptions[0])) from group

    async def _know_cluster(self, tasks: asyncio.TaskGroup, *, leads: bool) -> bool:
        """List everything; whether this process, which ``leads`` or not, leads after it."""
        listing = asyncio.create_task(self._rooms.resync.first())
        try:
            if not leads:
                await listing
                return False
            await asyncio.wait({listing}, timeout=FIRST_LIST_SECONDS)
            if listing.done():
                listing.result()
                return True
            log.warning("the first list takes long: a standby may lead meanwhile", seconds=FIRST_LIST_SECONDS)
            await self._give_lease_back()
            await listing
            if leads := await self._rooms.leadership.take_back():
                self._keeping = tasks.create_task(self._keep())
            return leads
        finally:
            listing.cancel()

    def _watch_builds_until_kopf_does(self, tasks: asyncio.TaskGroup) -> None:
        """What is cancelled, held or deleted while the first builds are launched is seen as later."""
        version = self._rooms.resync.versions[BUILDS]
        watching = [tasks.create_task(watch.run(version)) for watch in self._rooms.build_watches]
        for task in watching:
            asyncio.get_running_loop().call_later(KOPF_STARTS_SECONDS, task.cancel)

    async def _stand_by(self, tasks: asyncio.TaskGroup) -> None:
        """Follow the cluster until this process leads."""
        self._rooms.watcher.start()
        await self._rooms.leadership.acquire()
        self._keeping = tasks.create_task(self._keep())
        # The watches may have missed what the last leader did: nothing is decided on that.
        await self._rooms.resync.first()

    async def _keep(self) -> None:
        await LeaseThread(self._rooms.renew_lease, self._connect, lost=lambda: _end_within(LOST_SECONDS)).run()

    async def _lead(self, tasks: asyncio.TaskGroup) -> None:
        for _ in range(EVENT_WORKERS):
            tasks.create_task(self._rooms.events.deliver())
        # A start without Redis is seen, said and shown at once.
        await self._rooms.dispatcher.take_turn()
        for first, count in ((True, LAUNCH_WORKERS), (False, WORKERS)):
            for _ in range(count):
                tasks.create_task(self._rooms.bells.answer(first=first))
        # Nothing is claimed before all builds have been looked at once: the order must know all who wait.
        self._rooms.places.opening = True
        await self._rooms.bells.answered(self._rooms.store.uids())
        self._rooms.places.opening = False
        self._knows_queue = True
        if self._is_stopping:
            return
        log.info("operator is ready", builds=len(self._rooms.store.uids()), waiting=len(self._rooms.places.waiting))
        await self._rooms.pause_look.first()
        await self._launch_first()
        if self._is_stopping:
            return
        self._rooms.watcher.start()
        await self._hear_pauses()
        if self._is_stopping:
            return
        self._claiming += [
            tasks.create_task(self._rooms.dispatcher.run()),
            tasks.create_task(self._rooms.dispatcher.refresh_positions()),
        ]
        self._rooms.places.changed.set()

    async def _hear_pauses(self) -> None:
        """A pause that begins before its watch is known to no look: whoever comes meanwhile waits for the watch."""
        if not self._settings.watch_namespaces:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PAUSES_HEARD_SECONDS):
                    await self._rooms.hears_pauses.wait()

    async def _launch_first(self) -> None:
        """Launch who may start at once, before kopf begins: its first list takes longer than all that was before."""
        await self._rooms.dispatcher.take_turn()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_LAUNCHES_SECONDS):
                await self._rooms.bells.answered(self._rooms.store.uids())

    async def _stop(self, work: asyncio.Task[None]) -> None:
        """Stop in order. Without the lease nothing may be finished; with it, it is given back last."""
        _end_within(STOP_SECONDS)
        log.info("operator stops: no new claims, finishes what is under way", under_way=self._rooms.bells.unanswered)
        self._is_stopping = True
        self._rooms.synced = self._knows_queue = False
        for task in self._claiming:
            task.cancel()
        watch_stopped = asyncio.create_task(asyncio.to_thread(self._rooms.watcher.stop, WATCH_STOP_SECONDS))
        if self._rooms.leadership.held and not work.done():
            await self._finish()
            await self._give_lease_back()
        self._metrics.leader.set(0)
        work.cancel()
        await asyncio.gather(work, watch_stopped, return_exceptions=True)
        await self._close()
        log.info("operator stopped")

    async def _close(self) -> None:
        """Close every connection, and stop listening."""
        await self._rooms.queue.close()
        await self._api.close()
        await asyncio.gather(*(server.stop() for server in self._servers.values()))

    async def _give_lease_back(self) -> None:
        if self._keeping is not None:
            # A renewal that is on its way would take back what is given back.
            self._keeping.cancel()
            await asyncio.wait({self._keeping})
        await self._rooms.leadership.release()

    async def _finish(self) -> None:
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._rooms.bells.finish()
        except TimeoutError:
            log.warning("not all that was under way could be finished", under_way=self._rooms.bells.unanswered)
        # The standby waits for the lease meanwhile, so the Events that are due go out all at once.
        posting = [asyncio.create_task(self._rooms.events.deliver()) for _ in range(LAST_EVENT_WORKERS)]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_EVENTS_SECONDS):
                await self._rooms.events.delivered()
        for task in posting:
            task.cancel()

    def unhealthy(self) -> str | None:
        """Why the process should be started again: the API server has not answered for too long."""
        if self._rooms.watcher.has_ended:
            return "the watch has ended"
        last = self._rooms.resync.last_success
        if last is None:
            return None
        age = time.monotonic() - last
        return f"no list or watch succeeded for {age:.0f} s" if age > UNHEALTHY_AFTER_SECONDS else None

    def unready(self) -> str | None:
        """Why it cannot work yet, as leader or as warm standby."""
        return None if self._rooms.synced else "the caches are not synced"

    def queue(self) -> Answer:
        """The exact order of the queue, for ``/v1/queue``; only the leader knows it."""
        if not (self._knows_queue and self._rooms.leadership.held):
            return NOT_LEADING
        return Answer(200, self._rooms.view.text())

    def _made_servers(self) -> dict[str, HttpServer]:
        """By the setting of their port; pods are listened to only where they are told of it."""
        settings = self._settings
        apps = {"http_port": (endpoints(self, self._metrics), settings.http_port)}
        if settings.callback_url:
            apps["callback_port"] = (callback_endpoints(self._rooms.callbacks), settings.callback_port)
        return {field: HttpServer(app, port, setting=variable(field)) for field, (app, port) in apps.items()}


def _end_within(seconds: float) -> None:
    """End the process hard in ``seconds``, unless it has ended by then."""

    def end() -> None:
        log.error("still not ended: ends hard", seconds=seconds)
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


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

    def connected() -> Awaitable[Api]:
        return connect(metrics.count_request)

    api = await connected()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await Service(settings, api, metrics, connect=connected).run(stop)
