"""What the fixtures of `tests/integration/conftest.py` give a test, for programs that measure.

A `Rig` has namespaces, a Redis and operators of its own and ends and removes them all, however its block ends.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.cluster import KUBECTL, kwok_kubeconfig
from tests.support.kube import Kube
from tests.support.operator_process import OperatorProcess
from tests.support.redis_process import RedisProcess


class Rig:
    """One measurement's own surroundings on the shared kwok cluster; use it in a ``with`` block.

    ``names`` names its namespaces, which must not exist, where their names are to be seen.
    """

    def __init__(self, purpose: str, *, namespaces: int = 1, names: Sequence[str] = ()) -> None:
        self.kubeconfig = kwok_kubeconfig()
        self._folder = tempfile.TemporaryDirectory(prefix=f"publishbuild-{purpose}-")
        self.folder = Path(self._folder.name)
        run = uuid.uuid4().hex[:8]
        own = names or [f"{purpose}-{run}-{n}" for n in range(namespaces)]
        self.kubes = [Kube(self.kubeconfig, KUBECTL, name) for name in own]
        self.redis = RedisProcess(self.folder)
        self._operators: list[OperatorProcess] = []

    @property
    def kube(self) -> Kube:
        """Its first namespace."""
        return self.kubes[0]

    def operator(self, *, log: str = "operator", kubeconfig: Path | None = None, **settings: Any) -> OperatorProcess:
        """A ready operator for the rig's namespaces; ``settings`` without their ``PUBLISHBUILD_``."""
        return self.started(log=log, kubeconfig=kubeconfig, **settings).wait_ready(60)

    def started(self, *, log: str = "operator", kubeconfig: Path | None = None, **settings: Any) -> OperatorProcess:
        """The same, before it is ready."""
        process = OperatorProcess(
            self.folder / f"{log}.log",
            kubeconfig=kubeconfig or self.kubeconfig,
            redis_url=self.redis.url,
            namespace=",".join(kube.namespace for kube in self.kubes),
            **{f"PUBLISHBUILD_{key.upper()}": str(value) for key, value in settings.items()},
        )
        self._operators.append(process)
        return process

    def stop_operators(self) -> None:
        """End all that were started."""
        for operator in self._operators:
            operator.stop()
        self._operators.clear()

    def __enter__(self) -> Self:
        for kube in self.kubes:
            kube.create_namespace()
        self.redis.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop_operators()
        self.redis.stop()
        for kube in self.kubes:
            kube.delete_namespace()
            kube.close()
        self._folder.cleanup()
