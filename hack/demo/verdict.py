"""Whether a demo went as it should: each build's end, and what EAS was asked for."""

from __future__ import annotations

import json
from typing import Any

from hack.demo.kubectl import Kubectl, Object

WANTED = {"published": ("Succeeded", "Succeeded"), "errored": ("Failed", "PodFailurePolicy")}
"""Build -> phase and reason with which it has to end."""


def standin_counts(kubectl: Kubectl) -> dict[str, Any]:
    """What the stand-in EAS has counted: ``builds``, ``submissions``, and both by message."""
    path = f"/api/v1/namespaces/{kubectl.namespace}/services/standins:3000/proxy/standin/counts"
    counts: dict[str, Any] = json.loads(kubectl("get", "--raw", path))
    return counts


def is_good(builds: list[Object], counts: dict[str, Any]) -> bool:
    """Whether each build ended as it should, and EAS was asked for exactly what they show, once each."""
    good = len(builds) == len(WANTED)
    for build in builds:
        name, status = build["metadata"]["name"], build.get("status", {})
        reasons = [c["reason"] for c in status.get("conditions", ()) if c["type"] == "Succeeded"]
        good &= (status.get("phase"), *reasons) == WANTED[name]
    for kind in ("builds", "submissions"):
        asked = {key: count for key, count in counts[f"{kind}ByMessage"].items() if _is_of(key, builds)}
        good &= len(asked) == sum(asked.values()) == sum(len(build.get("status", {}).get(kind, ())) for build in builds)
    return good


def _is_of(message: str, builds: list[Object]) -> bool:
    return any(message.startswith(f"pb:{build['metadata']['uid']}:") for build in builds)
