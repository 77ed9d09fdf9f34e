"""All rooms of one operator process, put together. Nothing runs yet: `publishbuild.service` starts and stops them."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from publishbuild import names
from publishbuild.arrivals import Arrivals
from publishbuild.bells import Bells
from publishbuild.build_queue.places import Places
from publishbuild.build_queue.redis_queue import RedisQueue
from publishbuild.callbacks import Callbacks
from publishbuild.cluster.api import Api
from publishbuild.cluster.connect import pod_namespace
from publishbuild.cluster.events import Events
from publishbuild.cluster.leases import Leases
from publishbuild.cluster.objects import BUILDS, JOBS, NAMESPACES, PODS, Cluster
from publishbuild.cluster.pause_look import UNWATCHED_SECONDS, PauseLook
from publishbuild.cluster.pauses import Pauses
from publishbuild.cluster.resync import Resync
from publishbuild.cluster.set_aside import SetAside
from publishbuild.cluster.store import Store
from publishbuild.cluster.token_reviews import TokenReviews
from publishbuild.cluster.watch import Watch
from publishbuild.dispatcher import Dispatcher
from publishbuild.handlers import Watcher
from publishbuild.launching import Launching
from publishbuild.leadership import Leadership
from publishbuild.observe.metrics import Metrics
from publishbuild.observe.outcomes import Outcomes
from publishbuild.pod_tokens import PodTokens
from publishbuild.queue_view import QueueView
from publishbuild.reconcile import Defaults, Reconciler
from publishbuild.reporting import Reporting
from publishbuild.settings import Settings


def _now() -> datetime:
    return datetime.now(UTC)


class Rooms:
    """What one process is made of. Made inside of the event loop that it will work in."""

    def __init__(self, settings: Settings, api: Api, metrics: Metrics) -> None:
        identity, own_namespace = _identity(), _own_namespace(settings)
        self._own_namespace = own_namespace
        self.leadership = Leadership(self._leases(api), identity, clock=time.monotonic, moment=_now)
        cluster = Cluster(
            api,
            settings.watch_namespaces,
            may_write=lambda: self.leadership.held,
            write_seconds=lambda: self.leadership.seconds_of_lease,
        )
        outcomes = Outcomes(metrics, _now)
        set_aside = SetAside(metrics.count_set_aside)
        self.store = Store(_now, self._ring, set_aside)
        self._pauses = Pauses(own_namespace, self._pause_changed)
        pause_seconds = UNWATCHED_SECONDS if settings.watch_namespaces else settings.resync_seconds
        self.pause_look = PauseLook(cluster, self._pauses, own=own_namespace, seconds=pause_seconds)
        self.places = Places(
            self.store,
            limit=settings.max_concurrent,
            namespace_limit=settings.max_concurrent_per_namespace,
            direct=settings.on_redis_outage == "direct",
            paused_by=self._pauses.paused_by,
            ranked=settings.priority_namespaces,
            reserved=settings.reserved,
            shared=lambda: self.store.activity.is_shared(_now()),
        )
        self.view = QueueView(self.store, self.places, clock=_now, monotonic=time.monotonic)
        self.events = Events(cluster, _now, identity)
        self.queue = RedisQueue(settings.redis_url, epoch=secrets.token_hex(8))
        self.callbacks = Callbacks(
            self.store,
            PodTokens(TokenReviews(api).review, metrics, monotonic=time.monotonic, clock=time.time),
            synced=lambda: self.synced,
            leads=lambda: self.leadership.held,
            ring_after=self._ring_after,
            clock=_now,
        )
        reconciler = Reconciler(
            cluster=cluster,
            store=self.store,
            places=self.places,
            events=self.events,
            metrics=metrics,
            launching=Launching(cluster, self.store),
            reporting=Reporting(cluster, self.store, self.events, outcomes),
            defaults=Defaults(settings.runner_image, settings.aging_seconds, settings.callback_url),
            progress=self.callbacks,
            clock=_now,
            wake_after=self._ring_after,
            rest=self._rest,
        )
        self.bells = Bells(reconciler, outcomes.on_error, random.random)
        self.resync = Resync(cluster, self.store, seconds=settings.resync_seconds, clock=time.monotonic)
        self.dispatcher = Dispatcher(
            queue=self.queue,
            places=self.places,
            ring=self._ring,
            ring_first=self.bells.ring_first,
            shown=self.view.shown,
            metrics=metrics,
            clock=time.time,
            monotonic=time.monotonic,
            spread=random.random,
            may_act=lambda: self.leadership.held,
        )
        arrivals = Arrivals(asyncio.get_running_loop(), self._take_in, set_aside)
        self.watcher = Watcher(arrivals.put, settings.watch_namespaces)

        def watches(resource: str) -> list[Watch]:
            return [
                Watch(
                    cluster,
                    resource,
                    namespace,
                    on_change=self._take_in,
                    relist=self.resync.list,
                    set_aside=set_aside,
                )
                for namespace in settings.watch_namespaces or ("",)
            ]

        self.watches = [(resource, watch) for resource in (JOBS, PODS) for watch in watches(resource)]
        self.build_watches = watches(BUILDS)
        """Until kopf, in `watcher`, sees the changes of builds."""
        self.hears_pauses = asyncio.Event()
        """Whether the watch of Namespaces has begun; never where there is none."""
        self.synced = False
        """Whether the caches hold what the cluster holds: set by who starts and stops."""
        metrics.show_queue(self.view.depth, self.view.running)

    async def renew_lease(self, api: Api, is_alive: Callable[[], bool]) -> None:
        """`Leadership.keep` by requests to ``api``, on whichever loop this runs."""
        await self.leadership.keep(self._leases(api), is_alive=is_alive)

    def _leases(self, api: Api) -> Leases:
        return Leases(api, self._own_namespace, names.OPERATOR_NAME)

    def _ring(self, uid: str) -> None:
        self.bells.ring(uid)

    def _ring_after(self, uid: str, seconds: float) -> None:
        self.bells.ring_after(uid, seconds)

    def _rest(self, uid: str) -> None:
        self.bells.rest(uid)

    def _take_in(self, resource: str, obj: dict[str, Any], deleted: bool) -> None:
        self.resync.heard()
        if resource == NAMESPACES:
            self._pauses.apply(obj, deleted=deleted)
            self.hears_pauses.set()
        else:
            self.store.apply(resource, obj, deleted=deleted)

    def _pause_changed(self) -> None:
        self.places.look_again()


def _identity() -> str:
    """This process's name on the Lease. In a pod it is the same after a restart of the container, which may go on."""
    return f"{os.environ.get('POD_NAME') or socket.gethostname()}_{os.getpid()}"


def _own_namespace(settings: Settings) -> str:
    """The pod's own namespace; outside of a cluster, the first that is watched."""
    return pod_namespace() or (settings.watch_namespaces[0] if settings.watch_namespaces else "default")
