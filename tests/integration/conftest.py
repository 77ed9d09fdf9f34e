"""A real API server and Job controller with pretended nodes (kwok), a real Redis and the real operator, for each test.

Each test has a namespace, a Redis and an operator of its own, so tests run side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.api_proxy import ApiProxy
from tests.support.cluster import kwok_kubeconfig
from tests.support.fixtures import Manifest, StartOperator
from tests.support.kube import JobRecorder, Kube, own_namespace
from tests.support.manifests import a_manifest
from tests.support.operator_process import OperatorProcess
from tests.support.redis_process import RedisProcess
from tests.support.warm import WarmServer


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
