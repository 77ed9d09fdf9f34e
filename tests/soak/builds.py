"""The builds of a soak: how each is to end, drawn from a seeded mix."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from enum import StrEnum

from tests.support.kube import Object
from tests.support.manifests import a_manifest

_REPORT = {"failure": {"reason": "BuildErrored", "message": "EAS build ended ERRORED"}, "logTail": "line\n" * 100}


class Fate(StrEnum):
    """How a build ends."""

    SUCCEEDS = "succeeds"
    FAILS = "fails for good"
    FAILS_TWICE = "fails, is retried and fails again"
    CANCELLED_WAITING = "is cancelled at once"
    CANCELLED_RUNNING = "is cancelled while it runs"
    DELETED_RUNNING = "is deleted while it runs"


_WEIGHTS = {
    Fate.SUCCEEDS: 76,
    Fate.FAILS: 8,
    Fate.FAILS_TWICE: 4,
    Fate.CANCELLED_WAITING: 4,
    Fate.CANCELLED_RUNNING: 4,
    Fate.DELETED_RUNNING: 4,
}


@dataclass(frozen=True)
class Planned:
    """One build of the soak."""

    manifest: Object
    fate: Fate


def planned(number: int, draw: random.Random) -> Planned:
    """Build ``number`` with a fate, priority and perhaps a concurrency key drawn from ``draw``."""
    fate = draw.choices(list(_WEIGHTS), weights=list(_WEIGHTS.values()))[0]
    outcome, pod = "succeed", {}
    if fate in (Fate.CANCELLED_RUNNING, Fate.DELETED_RUNNING):
        outcome = "hold"
    elif fate is Fate.FAILS:
        outcome, pod = "fail", {"exit-code": 64, "message": json.dumps(_REPORT)}
    elif fate is Fate.FAILS_TWICE:
        outcome = "fail"
    manifest = a_manifest(
        f"soak-{number:06d}",
        outcome=outcome,
        pod=pod,
        backoffLimit=1 if fate is Fate.FAILS_TWICE else 0,
        priority=draw.choice((0, 0, 0, 10, -10)),
        ttlSecondsAfterFinished=1,
    )
    if draw.random() < 0.1:
        manifest["spec"]["concurrencyKey"] = f"key-{draw.randrange(20)}"
    return Planned(manifest, fate)
