"""How the suite talks to a terminal, and how it ends when it is told to."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

Answer = TypeVar("Answer")


def say(text: str) -> None:
    """One message, at once."""
    print(text, flush=True)  # noqa: T201


def to_the_end(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Run ``work``; SIGTERM and SIGINT cancel it, so that processes and namespaces are cleared away.

    Raises:
        SystemExit: it was cancelled.
    """

    async def guarded() -> Answer:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel)
        try:
            return await task
        except asyncio.CancelledError:
            raise SystemExit(1) from None

    return asyncio.run(guarded())
