"""What a live view shows beside the builds: the exact queue, and the end of the log. Both may be missing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from publishbuild.cli.pod_log import PodLog
from publishbuild.cli.views.log_lines import readable
from publishbuild.client import PublishBuildError, QueueUnknownError
from publishbuild.decide.facts import BuildFacts, PodFacts
from publishbuild.names import Phase

if TYPE_CHECKING:
    from publishbuild.cli.live import LiveScreen
    from publishbuild.client import Client

QUEUE_SECONDS = 5.0
LOG_SECONDS = 2.0
_WITH_A_POD = frozenset({Phase.RUNNING, Phase.RETRYING, Phase.CANCELLING})


@asynccontextmanager
async def feeds(client: Client, screen: LiveScreen, operator_namespace: str | None) -> AsyncGenerator[None, None]:
    """Fill the screen in while the block lasts."""
    tasks = [
        asyncio.create_task(_feed_queue(client, screen, operator_namespace)),
        asyncio.create_task(_feed_log(client, screen)),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _feed_queue(client: Client, screen: LiveScreen, operator_namespace: str | None) -> None:
    while True:
        waiting = [build for build in screen.builds.values() if "job" not in (build.get("status") or {})]
        try:
            screen.queue = await client.queue.read(operator_namespace=operator_namespace) if waiting else None
        except QueueUnknownError:  # the position that the status tells is left
            screen.queue = None
        except PublishBuildError:
            pass  # what was read last is right for a while
        await asyncio.sleep(QUEUE_SECONDS)


async def _feed_log(client: Client, screen: LiveScreen) -> None:
    """The log of the newest attempt of the only build, one attempt after the other."""
    told: set[tuple[str, str]] = set()
    while True:
        facts = [BuildFacts.read(build) for build in screen.builds.values()]
        if len(facts) == 1 and facts[0].status.phase in _WITH_A_POD:
            build = next(iter(screen.builds.values()))
            try:
                pods = [PodFacts.read(pod) for pod in await client.pods.of_build(build)]
                for pod in pods:
                    container = (pod.name, pod.container)
                    if (pod.phase != "Pending" or pod.stage_runs) and container not in told:
                        told.add(container)
                        await _tail(client, screen, pod)
            except PublishBuildError:
                pass  # the log is an addition: the build's state is told by its status
        await asyncio.sleep(LOG_SECONDS)


async def _tail(client: Client, screen: LiveScreen, pod: PodFacts) -> None:
    def take(line: str) -> None:
        shown = readable(line)
        if shown is not None:
            screen.log.append(shown)

    log = PodLog(
        client, pod.namespace, pod.name, take, True, screen.log.maxlen, pod.container, on_trouble=lambda _: None
    )
    await log.read()
