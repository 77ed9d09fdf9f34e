"""Names of images as container runtimes write them in full, and the names that the chart's defaults ask for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from hack.images.catalogue import OPERATOR, REDIS, ROOT, RUNNER

CHART = ROOT / "charts" / "publishbuild-operator"
DEFAULTS = {OPERATOR.name: ("image",), RUNNER.name: ("runner", "image"), REDIS.name: ("redis", "embedded", "image")}
"""Where values.yaml names each image that is made here."""
_LONGEST_REGISTRY = 200
_PART = "[a-z0-9]+(?:(?:[.]|__?|-+)[a-z0-9]+)*"
_REGISTRY = re.compile(rf"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{{1,5}})?(?:/{_PART})*/?")
REMARKS = {REDIS.name: "Debian's Redis in place of the official image"}


class Alias(NamedTuple):
    """Another name for an image, in full, and what its reader should know."""

    name: str
    remark: str = ""


def in_full(name: str) -> str:
    """An image's name with registry and tag, as nodes report it: `redis` is `docker.io/library/redis:latest`."""
    first, slash, _ = name.partition("/")
    if not slash:
        name = f"docker.io/library/{name}"
    elif not ("." in first or ":" in first or first == "localhost"):
        name = f"docker.io/{name}"
    elif first == "docker.io" and name.count("/") == 1:
        name = name.replace("/", "/library/", 1)
    has_tag = ":" in name.rpartition("/")[2]  # a digest, too, has a colon
    return name if has_tag else f"{name}:latest"


def checked_registry(text: str) -> str:
    """``text``, where it can stand before an image's name: a host, maybe with a port, and maybe a path.

    Raises:
        ValueError: it cannot; the text says what is allowed.
    """
    if len(text) > _LONGEST_REGISTRY or not _REGISTRY.fullmatch(text):
        raise ValueError(f"REGISTRY={text[:200]}: allowed is host[:port][/path], without https://: registry.example/me")
    return text.rstrip("/")


def at_registry(name: str, registry: str) -> str:
    """What one of our images is called after a push to a registry, such as ``registry.example/me``.

    Raises:
        ValueError: ``registry`` is none; the text says what is allowed.
    """
    return f"{checked_registry(registry)}/{name.removeprefix('localhost/')}"


def chart_names(chart: Path = CHART) -> dict[str, Alias]:
    """Our images' names -> the names that the chart asks for where no value is set."""
    values = yaml.safe_load((chart / "values.yaml").read_text(encoding="utf-8"))
    version = yaml.safe_load((chart / "Chart.yaml").read_text(encoding="utf-8"))["appVersion"]
    return {
        ours: Alias(_of_chart(values, path, str(version)), REMARKS.get(ours, "")) for ours, path in DEFAULTS.items()
    }


def _of_chart(values: dict[str, Any], path: tuple[str, ...], version: str) -> str:
    for key in path:
        values = values[key]
    return in_full(f"{values['repository']}:{values['tag'] or version}")
