"""Watches the local cluster's parts while the demo runs: one that ends, ends the demo, whatever that waits for."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from hack.cluster.ended import first_ended, told
from hack.cluster.parts import CONTROL_PLANE, REAL_NODE
from hack.cluster.places import State

LOOK_SECONDS = 0.5


class PartEndedError(Exception):
    """A part of the cluster ended; the text names it, and has the end of its log."""


class PartsWatch:
    """In its ``with`` block, `PartEndedError` is raised in the main thread when a part ends; looks from another thread.

    ``begins`` says whether the cluster is up: before that, whoever brings it up watches its parts.
    """

    def __init__(self, state: State, begins: Callable[[], bool]) -> None:
        self._state, self._begins = state, begins
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)

    def __enter__(self) -> Self:
        signal.signal(signal.SIGUSR1, lambda *_: self._raise())
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # one may be on its way

    def ended(self) -> str:
        """Which part ended, and what it said last; empty while all run."""
        if not self._begins():
            return ""
        parts = (name for name in (*CONTROL_PLANE, *REAL_NODE) if (self._state / "pids" / f"{name}.json").exists())
        name = first_ended(self._state, parts)
        return told(self._state, name) if name else ""

    def _look_on(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            if self.ended():
                # It reaches the main thread in whatever it waits for, such as a program that it started.
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
                return

    def _raise(self) -> None:
        if not self._over.is_set() and (reason := self.ended()):
            raise PartEndedError(reason)
