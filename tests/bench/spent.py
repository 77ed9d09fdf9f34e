"""What an operator has spent so far, as its own metrics and its Redis tell."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.support.operator_process import OperatorProcess
from tests.support.redis_process import RedisProcess

_REQUESTS = re.compile(
    r'publishbuild_api_requests_total\{code="2..",resource="(?P<resource>[^"]+)",verb="(?P<verb>[^"]+)"\}'
)


@dataclass(frozen=True)
class Spent:
    """CPU time in seconds, and counts."""

    cpu: float
    status_writes: float
    job_writes: float
    events: float
    redis: float

    @property
    def writes(self) -> float:
        """All that went to the API server, but for the Lease."""
        return self.status_writes + self.job_writes + self.events

    def since(self, before: Spent, builds: int) -> Spent:
        """For each of ``builds``."""
        return Spent(
            *((now - then) / builds for now, then in zip(_values(self), _values(before), strict=True)),
        )


def spent(operator: OperatorProcess, redis: RedisProcess) -> Spent:
    """So far."""
    status, text = operator.get("/metrics")
    assert status, f"the operator does not answer; its log: {operator.tail()}"
    counts: dict[tuple[str, str], float] = {}
    cpu = 0.0
    for line in text.splitlines():
        name, _, value = line.rpartition(" ")
        if found := _REQUESTS.fullmatch(name):
            counts[found["resource"], found["verb"]] = float(value)
        elif name == "process_cpu_seconds_total":
            cpu = float(value)
    with redis.client() as client:
        # The script that takes a turn, and the pipelines of a rebuild: one round trip each.
        stats = client.info("commandstats")
    trips = sum(stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("evalsha", "eval", "exec"))
    return Spent(
        cpu=cpu,
        status_writes=counts.get(("publishbuilds/status", "put"), 0.0),
        job_writes=counts.get(("jobs", "post"), 0.0) + counts.get(("jobs", "patch"), 0.0),
        events=counts.get(("events", "post"), 0.0),
        redis=trips,
    )


def _values(one: Spent) -> tuple[float, ...]:
    return one.cpu, one.status_writes, one.job_writes, one.events, one.redis
