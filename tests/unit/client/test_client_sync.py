"""The client without ``await``: what a call leaves behind, and how it is ended."""

from __future__ import annotations

import asyncio
import signal
import threading

import pytest

from publishbuild.client import sync


def test_a_call_leaves_nothing_running() -> None:
    """A call gives the result of its work, also beside a running event loop, and ends the thread that did it."""

    async def work() -> str:
        return threading.current_thread().name

    async def caller() -> str:
        return sync._run(work())

    before = threading.active_count()
    assert asyncio.run(caller()) == "publishbuild-client"
    assert threading.active_count() == before


def test_an_error_reaches_the_caller() -> None:
    """What the work raises is raised to the caller."""

    async def work() -> None:
        raise KeyError("app")

    with pytest.raises(KeyError, match="app"):
        sync._run(work())


def test_who_is_interrupted_leaves_nothing_running() -> None:
    """Ctrl-C cancels the work, and the call ends once the work has cleaned up."""
    ended: list[str] = []

    async def work() -> None:
        try:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            await asyncio.Event().wait()
        finally:
            for _ in range(100):
                await asyncio.sleep(0)
            ended.append("cleaned up")

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        sync._run(work())
    assert ended == ["cleaned up"]
    assert threading.active_count() == before
