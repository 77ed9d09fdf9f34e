"""The types of the fixtures in `tests/integration/conftest.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from tests.support.operator_process import OperatorProcess


class StartOperator(Protocol):
    """Starts an operator for the test's namespace; settings without their ``PUBLISHBUILD_``, logs into ``log``.

    ``kubeconfig`` is another way to the same API server.
    """

    def __call__(
        self, *, wait: bool = True, log: str = "operator", kubeconfig: Path | None = None, **settings: Any
    ) -> OperatorProcess: ...


class Manifest(Protocol):
    """Makes a PublishBuild whose pretended pod ends as told (see hack/cluster/stages/pod.yaml)."""

    def __call__(
        self,
        name: str | None = None,
        *,
        outcome: str = "succeed",
        seconds: float = 0,
        pod: dict[str, Any] | None = None,
        **spec: Any,
    ) -> dict[str, Any]: ...
