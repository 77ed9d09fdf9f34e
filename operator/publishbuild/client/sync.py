"""`publishbuild.client` without ``await``: one event loop on a thread of its own, in each process that asks."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, Unpack

from publishbuild.client import publishing
from publishbuild.client.manifest import BuildOptions
from publishbuild.client.publishing import BuildReport

Result = TypeVar("Result")


class _Loop:
    """The loop of this process. A process that was forked starts one of its own, since threads are not inherited."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What ``work`` returns; it is cancelled where the caller is interrupted."""
        future = asyncio.run_coroutine_threadsafe(work, self._running())
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._owner != os.getpid():
                self._loop, self._owner = asyncio.new_event_loop(), os.getpid()
                threading.Thread(target=self._loop.run_forever, name="publishbuild-client", daemon=True).start()
            return self._loop


_loop = _Loop()


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
        return _loop.run(self._async().status())

    def wait(self, timeout: float | None = None) -> BuildReport:
        """How the build ended, once it has; TimeoutError after ``timeout`` seconds."""
        return _loop.run(self._async().wait(timeout))

    def cancel(self) -> None:
        """Ask for its end, whether it waits or runs; `wait` tells when it has come."""
        _loop.run(self._async().cancel())

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
    made = _loop.run(
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
