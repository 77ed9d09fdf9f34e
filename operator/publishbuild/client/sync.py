"""`publishbuild.client` without ``await``, also in a thread that runs an event loop.

Each call has an event loop on a thread of its own and ends both: nothing is left open, nothing runs between calls.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from concurrent import futures
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar, Unpack

from publishbuild.client import publishing
from publishbuild.client.manifest import BuildOptions
from publishbuild.client.publishing import BuildReport

Result = TypeVar("Result")
_TURN_SECONDS = 0.5


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    """What ``work`` returns; it is cancelled where the caller is interrupted."""
    loop, left = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=_serve, args=(loop, left), name="publishbuild-client", daemon=True)
    # Ctrl-C may come between any two steps from here on.
    try:
        thread.start()
        future = asyncio.run_coroutine_threadsafe(work, loop)
        # A signal that comes just before a wait begins does not end it: it is heard when this turn is over.
        while not futures.wait([future], timeout=_TURN_SECONDS).done:
            pass
        return future.result()
    finally:
        loop.call_soon_threadsafe(left.set)
        with suppress(RuntimeError):  # the thread is about to begin, and will find nothing to do
            thread.join()
        work.close()  # where it was never begun


def _serve(loop: asyncio.AbstractEventLoop, left: asyncio.Event) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(_until(left))


async def _until(left: asyncio.Event) -> None:
    """Wait until the caller has ``left``, and then for what is cancelled: it may have connections to close."""
    await left.wait()
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    if rest:
        await asyncio.wait(rest)


@dataclass(frozen=True)
class BuildHandle:
    """One build in the cluster, as `publishbuild.client.BuildHandle`."""

    namespace: str
    name: str
    uid: str = ""
    kubeconfig: str | None = None
    context: str | None = None

    def status(self) -> BuildReport:
        """How the build is now."""
        return _run(self._async().status())

    def wait(self, timeout: float | None = None) -> BuildReport:
        """How the build ended, once it has; TimeoutError after ``timeout`` seconds."""
        return _run(self._async().wait(timeout))

    def cancel(self) -> None:
        """Ask for its end, whether it waits or runs; `wait` tells when it has come."""
        _run(self._async().cancel())

    def _async(self) -> publishing.BuildHandle:
        return publishing.BuildHandle(self.namespace, self.name, self.uid, self.kubeconfig, self.context)


def initiate_publishing(
    *,
    git_url: str,
    revision: str,
    name: str | None = None,
    namespace: str | None = None,
    labels: Mapping[str, str] | None = None,
    kubeconfig: str | None = None,
    context: str | None = None,
    **options: Unpack[BuildOptions],
) -> BuildHandle:
    """Ask for a build and return: `publishbuild.client.initiate_publishing` for code without an event loop."""
    made = _run(
        publishing.initiate_publishing(
            git_url=git_url,
            revision=revision,
            name=name,
            namespace=namespace,
            labels=labels,
            kubeconfig=kubeconfig,
            context=context,
            **options,
        )
    )
    return BuildHandle(made.namespace, made.name, made.uid, kubeconfig, context)
