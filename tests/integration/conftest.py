"""A real API server and Job controller with pretended nodes (kwok), a real Redis and the real operator, for each test.

Each test has a namespace, a Redis and an operator of its own, so tests run side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.api_proxy import ApiProxy
from tests.support.cluster import KUBECTL, kwok_kubeconfig
from tests.support.fixtures import Manifest, StartOperator
from tests.support.kube import JobRecorder, Kube, own_namespace
from tests.support.manifests import a_manifest
from tests.support.operator_process import OperatorProcess
from tests.support.redis_process import RedisProcess
from tests.support.warm import WarmServer


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that wait for timers begin first: the others run beside them, and the end does not wait for one."""

    def seconds(item: pytest.Item) -> float:
        marker = item.get_closest_marker("timers")
        return -float(marker.args[0]) if marker else 0

    items.sort(key=seconds)


@pytest.fixture(scope="session")
def kubeconfig() -> Path:
    """The kwok cluster, started where it is not up (`make test` stops it)."""
    return kwok_kubeconfig()


@pytest.fixture(scope="session")
def warm() -> Iterator[WarmServer]:
    """Starts operators and commands that need not import themselves."""
    with WarmServer() as server:
        yield server


@pytest.fixture
def kube(kubeconfig: Path) -> Iterator[Kube]:
    """A namespace of the test's own."""
    with own_namespace(kubeconfig) as made:
        yield made


@pytest.fixture(scope="session")
def shared_namespace(kubeconfig: Path) -> Iterator[str]:
    """One for tests without an operator: to delete a namespace is a hundred requests for the cluster."""
    with own_namespace(kubeconfig) as made:
        yield made.namespace


@pytest.fixture
def shared_kube(kubeconfig: Path, shared_namespace: str) -> Iterator[Kube]:
    """The namespace that this worker's tests share: nothing of one test may be in the way of another."""
    made = Kube(kubeconfig, KUBECTL, shared_namespace)
    yield made
    made.close()


@pytest.fixture
def proxy(kube: Kube) -> Iterator[ApiProxy]:
    """A way to the API server that the test can cut."""
    with ApiProxy(kube.kubeconfig) as made:
        yield made


@pytest.fixture
def stopped_redis(tmp_path: Path) -> Iterator[RedisProcess]:
    """A Redis that is not started yet."""
    made = RedisProcess(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def redis(stopped_redis: RedisProcess) -> RedisProcess:
    """A running Redis."""
    return stopped_redis.start()


@pytest.fixture
def start_operator(
    kube: Kube, stopped_redis: RedisProcess, warm: WarmServer, tmp_path: Path
) -> Iterator[StartOperator]:
    """Starts operators for the test's namespace; ends them with the test."""
    started: list[OperatorProcess] = []

    def start(
        *, wait: bool = True, log: str = "operator", kubeconfig: Path | None = None, **settings: Any
    ) -> OperatorProcess:
        process = OperatorProcess(
            tmp_path / f"{log}.log",
            warm,
            kubeconfig=kubeconfig or kube.kubeconfig,
            redis_url=stopped_redis.url,
            namespace=kube.namespace,
            **{f"PUBLISHBUILD_{key.upper()}": str(value) for key, value in settings.items()},
        )
        started.append(process)
        return process.wait_ready() if wait else process

    yield start
    for process in started:
        process.stop()


@pytest.fixture
def jobs_seen(kube: Kube) -> Iterator[JobRecorder]:
    """Records every Job of the namespace from outside."""
    with JobRecorder(kube) as recorder:
        yield recorder


@pytest.fixture
def manifest() -> Manifest:
    """Makes manifests: name, outcome (succeed, fail, hold, pending), seconds, pod={...}, and any spec field."""
    return a_manifest
