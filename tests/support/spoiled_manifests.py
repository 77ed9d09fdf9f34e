"""Manifests that are spoiled at random: a good one that uses every field, with one or two of its parts broken."""

from __future__ import annotations

import copy
import random
from dataclasses import dataclass
from typing import Any

from tests.support.kube import Object
from tests.support.manifests import a_manifest

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Spoiled:
    """A manifest and the places in its spec that were changed."""

    manifest: Object
    places: tuple[Place, ...]


def spoiled(draw: random.Random, name: str) -> Spoiled:
    """The manifest ``name`` with one or two changes drawn from ``draw``."""
    manifest = _full(name)
    places = tuple(_spoil(manifest["spec"], draw) for _ in range(draw.choice((1, 1, 2))))
    return Spoiled(manifest, places)


def _full(name: str) -> Object:
    made = a_manifest(
        name,
        platform="ios",
        profile="preview",
        submit={"enabled": True, "profile": "store"},
        credentialsSecretRef={"name": "expo"},
        priority=7,
        concurrencyPolicy="Queue",
        backoffLimit=0,
        queueTimeoutSeconds=3600,
        runTimeoutSeconds=600,
        ttlSecondsAfterFinished=3600,
        suspend=False,
        cancel=False,
        retryOf="first",
    )
    made["spec"]["source"]["git"] |= {"path": "apps/mobile", "secretRef": {"name": "deploy-key"}}
    made["spec"]["runner"] |= {
        "image": "registry.example/tool:1",
        "imagePullPolicy": "IfNotPresent",
        "imagePullSecrets": [{"name": "registry"}],
        "command": ["make", "publish"],
        "args": ["--fast"],
        "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": 2}},
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "builds", "operator": "Equal", "value": "yes", "effect": "NoExecute"}],
        "affinity": {"podAntiAffinity": {}},
    }
    return made


def _deep(levels: int) -> Object:
    made: Object = {}
    for _ in range(levels):
        made = {"a": made}
    return made


_JUNK: tuple[Any, ...] = (
    None, "", " ", "\t", "yes", "no", "null", "~", "010", "0x1F", "1_000", "1e3", "-1", "..", "/", "-x", "a b",
    "é中文🙂", "\u202e", "a\x07b", "a\nb", "\x7f", "x" * 300, "x" * 100_000, "{{ . }}", "$(id)", "%s%n", "a:b:c",
    0, 1, -1, 7.5, 1e308, 2**31, 2**63 - 1, 2**63, 10**30, True, False, [], {}, [None], [[]], {"": ""},
    ["a", "a"], {"name": "a"}, [{"name": "a"}, {"name": "a"}], [{"name": f"A{n}"} for n in range(300)], _deep(60),
    {"requests": {"cpu": None}}, {"a": "x" * 70_000},
)  # fmt: skip


def _spoil(spec: Object, draw: random.Random) -> Place:
    *path, last = place = draw.choice(_places(spec))
    holder: Any = spec
    for key in path:
        holder = holder[key]
    how = draw.choice(("junk", "junk", "junk", "junk", "junk", "absent", "unknown", "twice"))
    if how == "unknown" and isinstance(holder, dict):
        last = draw.choice(("colour", "Platform", "$ref", "é", "a.b", "x" * 300, ""))
        holder[last] = copy.deepcopy(draw.choice(_JUNK))
        return (*path, last)
    if how == "twice" and isinstance(holder, list):
        holder.append(copy.deepcopy(holder[int(last)]))
    elif how == "absent":
        del holder[last]
    else:
        holder[last] = copy.deepcopy(draw.choice(_JUNK))
    return place


def _places(value: Any, path: Place = ()) -> list[Place]:
    """The path of every part of ``value``."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = list(enumerate(value))
    own = [(*path, key) for key, _ in pairs]
    return own + [place for key, inner in pairs for place in _places(inner, (*path, key))]
