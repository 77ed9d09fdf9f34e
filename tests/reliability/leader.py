"""How long nobody launches anything when the leader goes away under load."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter

from publishbuild import names
from tests.support.fast_kube import FastKube
from tests.support.manifests import a_manifest
from tests.support.operator_process import OperatorProcess
from tests.support.rig import Rig
from tests.support.waiting import until

LIMIT, BUILDS = 10, 300
_JOBS_MADE = 'publishbuild_api_requests_total{code="201",resource="jobs",verb="post"}'


def jobs_made(operator: OperatorProcess) -> float:
    """How many Jobs this operator has created."""
    return operator.metric(_JOBS_MADE)


def takeover(rig: Rig, how: signal.Signals, *, burst: bool) -> float:
    """Seconds from the leader's SIGKILL or SIGTERM, under load, to the first Job that the other one creates.

    With ``burst`` the leader goes while most builds are so new that their first status is still to be written; the
    other one has to write it, and looks at every build before it launches any.

    Raises:
        AssertionError: the other one created none in a minute, or a build has two Jobs.
    """
    leader = rig.operator(log="leader", max_concurrent=LIMIT)
    until(lambda: leader.metric("publishbuild_leader") == 1, seconds=30, what="the first one leads")
    standby = rig.operator(log="standby", max_concurrent=LIMIT)
    until(lambda: standby.events_logged("standby") == 1, seconds=30, what="the second one is standby")
    asyncio.run(_load(rig))
    if not burst:
        until(lambda: all("status" in build for build in rig.kube.all_builds()), seconds=60, what="all are queued")
    until(lambda: jobs_made(leader) >= LIMIT * 2, seconds=60, what="the middle of the load")
    began = time.monotonic()
    os.kill(leader.pid, how)
    until(lambda: jobs_made(standby) >= 1, seconds=60, what="the other one launches", pause=0.01)
    took = time.monotonic() - began
    jobs = Counter(job["metadata"]["labels"][names.LABEL_BUILD] for job in rig.kube.jobs())
    assert max(jobs.values()) == 1, f"builds with more than one Job: {jobs.most_common(3)}"
    return took


async def _load(rig: Rig) -> None:
    async with FastKube(rig.kubeconfig) as kube:
        await kube.create(rig.kube.namespace, [a_manifest(seconds=0.2, backoffLimit=0) for _ in range(BUILDS)])
