"""kopf's watches: each event is put in the store, which rings the bell. Nothing else is ever done here.

Only ``on.event`` is used, so that kopf writes nothing to users' resources: no annotation, no finalizer. kopf runs in
a thread with a loop of its own, because at its exit it cancels every other task of its loop, and because a watch error
ends it: `Watcher` then starts it again.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import kopf
import structlog
from kopf._core.reactor.inventory import ResourceMemories, ResourceMemory

from publishbuild import names
from publishbuild.cluster.list_watch import PAGE, SILENCE_SECONDS
from publishbuild.cluster.objects import BUILDS, NAMESPACES

log = structlog.get_logger(__name__)

Object = dict[str, Any]
OnEvent = Callable[[str, Object, bool], None]

FIRST_RESTART_SECONDS = 0.5
LONGEST_RESTART_SECONDS = 30.0
# kopf gives each object a task of its own, which stays that long after its last event.
IDLE_WORKER_SECONDS = 0.1


def registry(on_event: OnEvent, *, clusterwide: bool) -> kopf.OperatorRegistry:
    """The watches; ``on_event`` gets resource, object and whether it was deleted.

    Namespaces are watched by an operator for all of them alone: no Role can grant that for some.
    """
    made = kopf.OperatorRegistry()

    def pass_on(resource: str) -> Callable[..., Awaitable[None]]:
        # A coroutine, since kopf sends plain functions through a thread pool.
        async def handler(event: Any, **_: Any) -> None:
            on_event(resource, event["object"], event["type"] == "DELETED")

        handler.__name__ = f"{resource}_changed"
        return handler

    kopf.on.login(registry=made)(_log_in)
    kopf.on.event(names.GROUP, names.VERSION, names.PLURAL, registry=made)(pass_on(BUILDS))
    if clusterwide:
        kopf.on.event("", "v1", NAMESPACES, registry=made)(pass_on(NAMESPACES))
    return made


def _log_in(**known: Any) -> kopf.ConnectionInfo | None:
    """As the operator's own client does: the pod's service account, else the kubeconfig."""
    return kopf.login_with_service_account(**known) or kopf.login_with_kubeconfig(**known)


def settings() -> kopf.OperatorSettings:
    """For watching alone."""
    made = kopf.OperatorSettings()
    made.posting.enabled = False
    made.scanning.disabled = True
    made.watching.inactivity_timeout = SILENCE_SECONDS
    made.watching.chunk_size = PAGE
    made.queueing.idle_timeout = IDLE_WORKER_SECONDS
    made.persistence.finalizer = f"{names.GROUP}/never-set"
    made.persistence.diffbase_storage = _NoDiffs()
    made.persistence.progress_storage = _NoProgress()
    return made


class _NoDiffs(kopf.DiffBaseStorage):
    """kopf compares each object with what it handled last, though nobody here asks: that cost a deep copy an event."""

    def build(self, **_: Any) -> Any:
        return {}

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None


class _NoProgress(kopf.ProgressStorage):
    """Handlers of events have no progress to keep."""

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None

    def purge(self, **_: Any) -> None:
        return None

    def touch(self, **_: Any) -> None:
        return None

    def clear(self, *, essence: Any) -> Any:
        return essence


class _NoMemories(ResourceMemories):
    """kopf remembers of each object how its handlers got on; those of events do not ask."""

    async def recall(self, raw_body: Any, **known: Any) -> ResourceMemory:
        return await super().recall(raw_body, **{**known, "ephemeral": True})


class Watcher:
    """kopf in its own thread, started again with backoff whenever it ends."""

    def __init__(self, on_event: OnEvent, namespaces: Sequence[str]) -> None:
        self._on_event = on_event
        self._namespaces = namespaces
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="kopf", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop_flag: asyncio.Event | None = None

    def start(self) -> None:
        """Start watching, once; ``on_event`` is called from the watcher's thread."""
        if self._thread.ident is None:
            self._thread.start()

    @property
    def has_ended(self) -> bool:
        """Whether the thread that watches, or waits to watch again, was started and is gone."""
        return self._thread.ident is not None and not self._thread.is_alive()

    def stop(self, seconds: float) -> None:
        """Stop watching, waiting at most ``seconds``."""
        self._stop.set()
        loop, flag = self._loop, self._stop_flag
        if loop is not None and flag is not None and not loop.is_closed():
            loop.call_soon_threadsafe(flag.set)
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _watch(self) -> None:
        wait = FIRST_RESTART_SECONDS
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                asyncio.run(self._run_kopf())
            except Exception as error:  # noqa: BLE001  # whatever ends kopf, the watch goes on
                log.warning("watch ended, starts again", error=f"{type(error).__name__}: {error}", seconds=wait)
            if time.monotonic() - started > LONGEST_RESTART_SECONDS:
                wait = FIRST_RESTART_SECONDS  # it had watched well for a while
            self._stop.wait(wait)
            wait = min(LONGEST_RESTART_SECONDS, wait * 2)

    async def _run_kopf(self) -> None:
        self._loop, self._stop_flag = asyncio.get_running_loop(), asyncio.Event()
        if self._stop.is_set():
            return
        await kopf.operator(
            registry=registry(self._on_event, clusterwide=not self._namespaces),
            settings=settings(),
            memories=_NoMemories(),
            standalone=True,
            clusterwide=not self._namespaces,
            namespaces=tuple(self._namespaces),
            stop_flag=self._stop_flag,
        )
