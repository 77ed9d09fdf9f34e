"""What the images are called, and what each is made of: the only place that knows both."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECIPES = Path("hack/images")

BASE_REPOSITORY = "localhost/publishbuild-base"
NODE_REPOSITORY = "localhost/publishbuild-node"
RUNNER_NAME = "localhost/publishbuild-runner:dev"


@dataclass(frozen=True)
class Image:
    """One image: how it is called, how it is built, and every path of the tree that can change it."""

    short: str
    name: str
    dockerfile: str
    target: str | None
    inputs: tuple[str, ...]
    needs: str | None = None


_PACKAGE_INPUTS = (
    "Dockerfile",
    ".dockerignore",
    "pyproject.toml",
    "constraints.txt",
    "LICENSE",
    "operator/publishbuild",
    "hack/images/list_dependencies.py",
)
_NODE_INPUTS = ("hack/images/node.Dockerfile",)
_STANDIN_INPUTS = ("tests/standins", "examples/app")

OPERATOR = Image("operator", "localhost/publishbuild-operator:dev", "Dockerfile", "operator", _PACKAGE_INPUTS)
RUNNER = Image("runner", RUNNER_NAME, "Dockerfile", "runner", _PACKAGE_INPUTS + _NODE_INPUTS)
STANDINS = Image(
    "standins",
    "localhost/publishbuild-runner-standin:dev",
    "tests/standins/Dockerfile",
    None,
    _PACKAGE_INPUTS + _NODE_INPUTS + _STANDIN_INPUTS,
    needs="runner",
)
REDIS = Image(
    "redis",
    "localhost/publishbuild-redis:dev",
    "hack/images/redis.Dockerfile",
    None,
    ("hack/images/redis.Dockerfile", ".dockerignore"),
)
IMAGES = {image.short: image for image in (OPERATOR, RUNNER, STANDINS, REDIS)}


def in_build_order(only: Collection[str]) -> list[Image]:
    """Return the images asked for, all if none is named; one that others start from comes first."""
    return [image for short, image in IMAGES.items() if not only or short in only]
