"""A leak is seen on /metrics before it is felt: the process's own figures are there, in Prometheus's usual names."""

from __future__ import annotations

import asyncio
import sys

import pytest

from publishbuild.observe.metrics import Metrics


async def test_tasks_are_counted() -> None:
    """The gauge shows the tasks of the loop that it is read in."""
    metrics = Metrics()
    before = metrics.registry.get_sample_value("publishbuild_tasks") or 0
    sleepers = [asyncio.create_task(asyncio.Event().wait()) for _ in range(3)]
    assert metrics.registry.get_sample_value("publishbuild_tasks") == before + 3
    for task in sleepers:
        task.cancel()


def test_without_a_loop_there_are_none() -> None:
    """Read from outside of a loop the gauge is 0 and not an error."""
    assert Metrics().registry.get_sample_value("publishbuild_tasks") == 0


@pytest.mark.skipif(sys.platform != "linux", reason="the process's figures come from /proc")
@pytest.mark.parametrize("name", ["process_resident_memory_bytes", "process_open_fds"])
def test_the_process_is_shown(name: str) -> None:
    """Memory and open file descriptors of the process are on /metrics."""
    assert (Metrics().registry.get_sample_value(name) or 0) > 0
