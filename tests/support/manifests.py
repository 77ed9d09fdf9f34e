"""Good manifests whose pretended pods end as told; tests spoil them on purpose."""

from __future__ import annotations

import itertools
from typing import Any

_numbers = itertools.count(1)


def a_manifest(
    name: str | None = None,
    *,
    outcome: str = "succeed",
    seconds: float = 0,
    pod: dict[str, Any] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    """A PublishBuild; see `tests.support.fixtures.Manifest`. ``seconds`` is how long its pod runs."""
    notes = {"kwok.publishbuild.dev/outcome": outcome, "kwok.publishbuild.dev/seconds": str(seconds)}
    notes |= {f"kwok.publishbuild.dev/{key}": str(value) for key, value in (pod or {}).items()}
    return {
        "apiVersion": "publishbuild.dev/v1alpha1",
        "kind": "PublishBuild",
        "metadata": {"name": name or f"build-{next(_numbers)}"},
        "spec": {
            "source": {"git": {"url": "https://git.example/app.git", "revision": "main"}},
            "runner": {"podAnnotations": notes},
            **spec,
        },
    }
