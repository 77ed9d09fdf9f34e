"""Twenty builds at once with three places, while things go wrong: each build gets exactly one Job, and all end."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from datetime import datetime

import pytest

from tests.support.fixtures import Manifest, StartOperator
from tests.support.kube import JobRecorder, Kube, Object
from tests.support.operator_process import OperatorProcess
from tests.support.redis_process import RedisProcess
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

COUNT, LIMIT = 20, 3


def twenty(manifest: Manifest) -> list[Object]:
    """Builds of 0.3 s each with a mix of priorities; their names say their place in the file."""
    return [manifest(f"b-{n:02d}", seconds=0.3, priority=(n % 4) * 10, backoffLimit=0) for n in range(COUNT)]


def all_ended_once(kube: Kube, jobs_seen: JobRecorder) -> None:
    """What must hold after any of it."""
    builds = kube.wait_all_ended(COUNT, seconds=120)
    assert {build["status"]["phase"] for build in builds} == {"Succeeded"}
    assert jobs_seen.of_build() == {f"b-{n:02d}": 1 for n in range(COUNT)}
    assert jobs_seen.most_live <= LIMIT


def wait_for_jobs(jobs_seen: JobRecorder, count: int) -> None:
    """Until ``count`` Jobs were seen: the middle of the run, by what happened and not by the clock."""
    until(lambda: len(jobs_seen.uids) >= count, seconds=60, what=f"{count} Jobs seen")


def test_limit_and_order_hold(
    kube: Kube, start_operator: StartOperator, manifest: Manifest, jobs_seen: JobRecorder
) -> None:
    """Never more than three Jobs are live, and builds start by priority, then by age."""
    builds = twenty(manifest)
    kube.apply(*[{**build, "spec": {**build["spec"], "suspend": True}} for build in builds])
    operator = start_operator(max_concurrent=LIMIT)
    until(
        lambda: all(build.get("status", {}).get("phase") == "Suspended" for build in kube.all_builds()),
        seconds=30,
        what="all suspended",
    )
    operator.terminate()
    kube.apply(*builds)
    created = {b["metadata"]["name"]: b["metadata"]["creationTimestamp"] for b in kube.all_builds()}
    entered = {b["metadata"]["name"]: b["status"]["queue"]["enqueuedTime"] for b in kube.all_builds()}
    start_operator(max_concurrent=LIMIT)
    all_ended_once(kube, jobs_seen)
    wanted = sorted(
        builds,
        key=lambda b: (-b["spec"]["priority"], created[b["metadata"]["name"]], entered[b["metadata"]["name"]]),
    )
    started = {b["metadata"]["name"]: datetime.fromisoformat(b["status"]["startTime"]) for b in kube.all_builds()}
    order = [started[build["metadata"]["name"]] for build in wanted]
    # Builds that get their places in the same turn start in the same instant, so only whole turns can be compared.
    assert all(earlier <= later for earlier, later in zip(order, order[LIMIT:], strict=False))
    assert set(jobs_seen.created[:LIMIT]) == {build["metadata"]["name"] for build in wanted[:LIMIT]}


def test_operator_killed_at_a_random_moment(
    kube: Kube, start_operator: StartOperator, manifest: Manifest, jobs_seen: JobRecorder
) -> None:
    """kill -9 of the operator in the middle, then a restart: twenty Jobs in all, and all builds end."""
    operator = start_operator(max_concurrent=LIMIT)
    kube.apply(*twenty(manifest))
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(2**32))
    print(f"replay with SEED={seed}")  # noqa: T201  # pytest shows it where the test fails
    wait_for_jobs(jobs_seen, random.Random(seed).randint(1, COUNT - LIMIT))  # noqa: S311  # a moment, not a secret
    operator.kill()
    start_operator(max_concurrent=LIMIT)
    all_ended_once(kube, jobs_seen)


def _flush(redis: RedisProcess) -> None:
    redis.flush()


def _restart(redis: RedisProcess) -> None:
    redis.stop()
    redis.start()


def _lose_half(redis: RedisProcess) -> None:
    with redis.client() as client:
        client.delete("{publishbuild}:waiting", "{publishbuild}:claims")


@pytest.mark.parametrize("harm", [_flush, _restart, _lose_half])
def test_redis_loses_its_memory(
    kube: Kube,
    redis: RedisProcess,
    start_operator: StartOperator,
    manifest: Manifest,
    jobs_seen: JobRecorder,
    harm: Callable[[RedisProcess], None],
) -> None:
    """flushall, a restart or half of the keys gone in the middle: twenty Jobs in all, and all builds end."""
    start_operator(max_concurrent=LIMIT)
    kube.apply(*twenty(manifest))
    wait_for_jobs(jobs_seen, 5)
    harm(redis)
    all_ended_once(kube, jobs_seen)


def test_sigterm_under_load(
    kube: Kube, start_operator: StartOperator, manifest: Manifest, jobs_seen: JobRecorder
) -> None:
    """SIGTERM ends the operator with 0 within ten seconds, nothing is launched after it, and a restart goes on."""
    operator: OperatorProcess = start_operator(max_concurrent=LIMIT)
    kube.apply(*twenty(manifest))
    wait_for_jobs(jobs_seen, 4)
    assert operator.terminate(seconds=10) == 0
    launched = len(kube.jobs())
    assert launched < COUNT
    # Each launched Job is on record: nothing under way was cut off.
    recorded = [build for build in kube.all_builds() if "job" in build.get("status", {})]
    assert len(recorded) == launched
    start_operator(max_concurrent=LIMIT)
    all_ended_once(kube, jobs_seen)
