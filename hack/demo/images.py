"""The images that the demo runs: as `make images` names them, or as `make push` names them in a registry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from hack.images.catalogue import OPERATOR, REDIS, STANDINS
from hack.images.names import at_registry


@dataclass(frozen=True)
class DemoImages:
    """The names of the three images, each with its tag."""

    operator: str
    runner: str
    redis: str

    @classmethod
    def of(cls, registry: str = "") -> Self:
        """Those of a registry, such as ``registry.example/me``; without one those that nodes are given by hand.

        Raises:
            ValueError: ``registry`` is none; the text says what is allowed.
        """
        names = (image.name for image in (OPERATOR, STANDINS, REDIS))
        return cls(*(at_registry(name, registry) if registry else name for name in names))

    def __iter__(self) -> Iterator[str]:
        return iter((self.operator, self.runner, self.redis))

    @property
    def values(self) -> dict[str, Any]:
        """The chart's values that name these images."""
        operator, runner, redis = (dict(zip(("repository", "tag"), _parted(name), strict=True)) for name in self)
        return {"image": operator, "runner": {"image": runner}, "redis": {"embedded": {"image": redis}}}


def _parted(name: str) -> tuple[str, str]:
    repository, _, tag = name.rpartition(":")
    return repository, tag


LOCAL = DemoImages.of()
