"""The client without ``await``: what a call leaves behind, and how it is ended."""

from __future__ import annotations

import asyncio
import signal
import threading
from typing import Any

import pytest
from pytest_mock import MockerFixture

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


def interrupted(ended: list[str]) -> None:
    """A call that Ctrl-C interrupts, whose work takes a while to clean up."""

    async def work() -> None:
        ended.append("begun")
        try:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            await asyncio.Event().wait()
        finally:
            for _ in range(100):
                await asyncio.sleep(0)
            ended.append("cleaned up")

    with pytest.raises(KeyboardInterrupt):
        sync._run(work())


def test_who_is_interrupted_leaves_nothing_running() -> None:
    """Ctrl-C cancels the work, and the call ends once the work has cleaned up."""
    before, ended = threading.active_count(), list[str]()
    interrupted(ended)
    assert ended == ["begun", "cleaned up"]
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ("where", "step", "expected"),
    [
        pytest.param(threading.Thread, "start", [], id="the thread has just begun"),
        pytest.param(asyncio, "run_coroutine_threadsafe", ["begun", "cleaned up"], id="the work was just handed over"),
    ],
)
def test_an_interrupt_between_two_steps_leaves_nothing_running(
    where: object, step: str, expected: list[str], mocker: MockerFixture
) -> None:
    """Ctrl-C right after a step that began something ends that too."""
    original = getattr(where, step)

    def interrupts(*args: Any, **options: Any) -> None:
        original(*args, **options)
        raise KeyboardInterrupt

    mocker.patch.object(where, step, interrupts)
    mocker.patch("signal.pthread_kill")
    before, ended = threading.active_count(), list[str]()
    interrupted(ended)
    assert ended == expected
    assert threading.active_count() == before
