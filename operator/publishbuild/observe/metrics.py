"""The Prometheus metrics, by the names of `docs/metrics.md`; dashboards depend on them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from publishbuild.observe.connections import Connections

_WAIT = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400)
_RUN = (5, 15, 60, 300, 600, 900, 1800, 3600, 7200, 14_400)
_RECONCILE = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)

Depth = Mapping[tuple[str, str], int]


class Metrics:
    """All metrics of one operator, in a registry of their own so that tests do not share them."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # not typed there
        self.registry = CollectorRegistry()
        prefix, registry = "publishbuild_", self.registry
        self.wait = Histogram(
            f"{prefix}wait_seconds", "From entering the queue to launch", buckets=_WAIT, registry=registry
        )
        self.run = Histogram(f"{prefix}run_seconds", "From launch to end", buckets=_RUN, registry=registry)
        self.finished = Counter(
            f"{prefix}finished_total", "Builds that ended", ("namespace", "outcome", "reason"), registry=registry
        )
        self.attempts_failed = Counter(
            f"{prefix}attempts_failed_total", "Attempts that failed", ("reason",), registry=registry
        )
        self.reconcile = Histogram(
            f"{prefix}reconcile_seconds", "One look at a build", buckets=_RECONCILE, registry=registry
        )
        self.reconcile_errors = Counter(f"{prefix}reconcile_errors_total", "Looks that failed", registry=registry)
        self.api_requests = Counter(
            f"{prefix}api_requests_total", "Requests to the API server", ("verb", "resource", "code"), registry=registry
        )
        self.set_aside = Counter(
            f"{prefix}objects_set_aside_total", "Objects that could not be read", ("resource",), registry=registry
        )
        self.token_reviews_forbidden = Gauge(
            f"{prefix}token_reviews_forbidden", "1 while this process may not check pods' tokens", registry=registry
        )
        self.leader = Gauge(f"{prefix}leader", "1 while this process leads", registry=registry)
        self.redis_up = Gauge(f"{prefix}redis_up", "1 while Redis answers", registry=registry)
        tasks = Gauge(f"{prefix}tasks", "asyncio tasks of the operator's own loop", registry=registry)
        tasks.set_function(_tasks)
        ProcessCollector(registry=registry)

    def count_request(self, verb: str, resource: str, code: str) -> None:
        """Count one request to the API server."""
        self.api_requests.labels(verb, resource, code).inc()

    def count_set_aside(self, resource: str) -> None:
        """Count one object that could not be read."""
        self.set_aside.labels(resource).inc()

    def show_queue(self, depth: Callable[[], Depth], running: Callable[[], Mapping[str, int]]) -> None:
        """Show the queue as it is at each scrape: ``depth`` by (namespace, reason), ``running`` by namespace."""
        self.registry.register(_Queue(depth, running))

    def show_connections(self, connections: Mapping[str, Connections]) -> None:
        """Show at each scrape the connections of the operator's ports, by the port's name."""
        self.registry.register(_Connections(connections))

    def text(self) -> bytes:
        """The exposition that Prometheus reads."""
        return generate_latest(self.registry)


def _tasks() -> int:
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:  # read from outside of a loop, where there are none
        return 0


class _Queue(Collector):
    def __init__(self, depth: Callable[[], Depth], running: Callable[[], Mapping[str, int]]) -> None:
        self._depth, self._running = depth, running

    def collect(self) -> Iterable[GaugeMetricFamily]:
        depth = GaugeMetricFamily("publishbuild_queue_depth", "Builds that wait", labels=("namespace", "reason"))
        for labels, count in self._depth().items():
            depth.add_metric(labels, count)
        running = GaugeMetricFamily("publishbuild_running", "Builds that occupy a place", labels=("namespace",))
        for namespace, count in self._running().items():
            running.add_metric((namespace,), count)
        return depth, running


class _Connections(Collector):
    def __init__(self, connections: Mapping[str, Connections]) -> None:
        self._connections = connections

    def collect(self) -> Iterable[GaugeMetricFamily | CounterMetricFamily]:
        open_now = GaugeMetricFamily("publishbuild_http_connections", "Connections that are open", labels=("port",))
        dropped = CounterMetricFamily(
            "publishbuild_http_dropped", "Connections that were dropped", labels=("port", "reason")
        )
        for port, connections in self._connections.items():
            open_now.add_metric((port,), len(connections))
            for reason, count in connections.dropped.items():
                dropped.add_metric((port, reason), count)
        return open_now, dropped
