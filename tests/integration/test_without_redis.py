"""Redis may be absent: the operator stays up, says so once and shows it; builds go on by themselves when it comes."""

from __future__ import annotations

import pytest

from tests.support.fixtures import Manifest, StartOperator
from tests.support.kube import JobRecorder, Kube, condition
from tests.support.redis_process import RedisProcess
from tests.support.waiting import until

pytestmark = pytest.mark.integration


def test_started_without_redis_then_it_comes(
    kube: Kube, stopped_redis: RedisProcess, start_operator: StartOperator, manifest: Manifest
) -> None:
    """Nothing at REDIS_URL: one warning, the build shows RedisUnavailable; Redis starts: the build runs."""
    operator = start_operator()
    kube.apply(manifest("app"))

    def shown() -> bool:
        return condition(kube.build("app"), "Succeeded").get("reason") == "RedisUnavailable"

    until(shown, seconds=15, what="RedisUnavailable shown")
    assert "RedisUnavailable" in kube.kubectl("get", "pb").stdout
    assert operator.metric("publishbuild_redis_up") == 0
    assert operator.events_logged("Redis is unavailable") == 1
    assert operator.is_running()
    stopped_redis.start()
    kube.wait_phase("app", "Succeeded")
    assert operator.metric("publishbuild_redis_up") == 1
    assert operator.events_logged("Redis is unavailable") == 1


def test_redis_stops_while_a_build_runs(
    kube: Kube, redis: RedisProcess, start_operator: StartOperator, manifest: Manifest
) -> None:
    """While Redis is away a running build ends as usual; a waiting one shows RedisUnavailable and goes on after."""
    operator = start_operator(max_concurrent=1)
    kube.apply(manifest("first", outcome="hold"), manifest("second"))
    kube.wait_phase("first", "Running")
    redis.stop()
    until(lambda: operator.metric("publishbuild_redis_up") == 0, seconds=15, what="the metric says so")
    # Running means that the Job is there: its pod may still be on the way.
    until(kube.pods, seconds=15, what="the pod is there")
    [pod] = kube.pods()
    kube.kubectl("annotate", "--overwrite", f"pod/{pod['metadata']['name']}", "kwok.publishbuild.dev/outcome=succeed")
    kube.wait_phase("first", "Succeeded")
    until(
        lambda: condition(kube.build("second"), "Succeeded").get("reason") == "RedisUnavailable",
        seconds=15,
        what="second waits for Redis",
    )
    redis.start()
    kube.wait_phase("second", "Succeeded")


def test_direct_goes_on_without_redis(
    kube: Kube, start_operator: StartOperator, manifest: Manifest, jobs_seen: JobRecorder
) -> None:
    """With PUBLISHBUILD_ON_REDIS_OUTAGE=direct builds are launched without the queue, within the limit and in order."""
    # They are there before the operator, so that it knows both when it hands out its one place.
    kube.apply(manifest("low", priority=-5), manifest("high", priority=5))
    operator = start_operator(on_redis_outage="direct", max_concurrent=1)
    kube.wait_all_ended(2, seconds=30)
    assert jobs_seen.created == ["high", "low"]
    assert jobs_seen.most_live == 1
    assert operator.metric("publishbuild_redis_up") == 0


def test_a_bad_setting_stops_the_start_with_one_line(start_operator: StartOperator) -> None:
    """A value that cannot be used ends the process with a line that names variable, value and what is allowed."""
    operator = start_operator(wait=False, max_concurrent="many")
    until(lambda: not operator.is_running(), seconds=15, what="the process ended")
    line = "PUBLISHBUILD_MAX_CONCURRENT: 'many' cannot be used; allowed is a whole number from 1 to 10000"
    assert operator.tail().strip() == f"publishbuild: {line}"
