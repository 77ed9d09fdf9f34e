"""The command as users call it, on the cluster of `tests/integration/conftest.py`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.api_proxy import ApiProxy
from tests.support.cli import Cli, in_namespace
from tests.support.kube import Kube
from tests.support.warm import WarmServer


@pytest.fixture
def user_kubeconfig(kube: Kube, tmp_path: Path) -> Path:
    """A kubeconfig whose context names the test's namespace."""
    return in_namespace(kube.kubeconfig, kube.namespace, tmp_path / "kubeconfig")


@pytest.fixture
def cli(user_kubeconfig: Path, warm: WarmServer, tmp_path: Path) -> Iterator[Cli]:
    """`publishbuild`, for a user of the test's namespace who stands in an empty folder."""
    folder = tmp_path / "folder"
    folder.mkdir()
    made = Cli(user_kubeconfig, folder, warm)
    yield made
    made.end()


@pytest.fixture
def proxied(proxy: ApiProxy, kube: Kube, warm: WarmServer, tmp_path: Path) -> Iterator[Cli]:
    """`publishbuild` for a user who goes that way."""
    made = Cli(proxy.kubeconfig(tmp_path / "proxied", kube.namespace), tmp_path, warm)
    yield made
    made.end()
