"""One connection to a cluster, and what can be reached through it."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from publishbuild.client.builds import Builds
from publishbuild.client.errors import from_api
from publishbuild.client.namespaces import Namespaces
from publishbuild.client.pods import Pods
from publishbuild.client.queue import Queue
from publishbuild.client.requests import Requests
from publishbuild.cluster.api import ApiError
from publishbuild.cluster.connect import connect

_DEFAULT_KUBECONFIG = Path(".kube", "config")


@dataclass(frozen=True)
class Client:
    """A cluster as its user sees it. ``namespace`` is that of the kubeconfig's context, or of the pod."""

    requests: Requests

    @property
    def namespace(self) -> str:
        """The namespace that is meant where none is named."""
        return self.requests.namespace

    @property
    def builds(self) -> Builds:
        """PublishBuilds."""
        return Builds(self.requests)

    @property
    def pods(self) -> Pods:
        """Pods, their logs, and Events."""
        return Pods(self.requests)

    @property
    def queue(self) -> Queue:
        """The operator's exact queue."""
        return Queue(self.requests)

    @property
    def namespaces(self) -> Namespaces:
        """Namespaces, which may be paused."""
        return Namespaces(self.requests)


@asynccontextmanager
async def connected(kubeconfig: str | None = None, context: str | None = None) -> AsyncGenerator[Client, None]:
    """A `Client`, as kubectl finds its cluster: ``kubeconfig``, else KUBECONFIG, else ~/.kube/config, else the pod's.

    Raises:
        NoClusterError: where none of them is to be had.
        UnauthorizedError: the kubeconfig's user cannot log in.
    """
    try:
        api = await connect(_uncounted, kubeconfig=kubeconfig or _kubeconfig(), context=context)
    except ApiError as error:
        raise from_api(error, host="", path="") from error
    try:
        yield Client(Requests(api))
    finally:
        await api.close()


def _kubeconfig() -> str | None:
    """What is read unless a file is named; None for the pod's own service account."""
    default = Path.home() / _DEFAULT_KUBECONFIG
    in_pod = bool(os.environ.get("KUBERNETES_SERVICE_HOST")) and not default.exists()
    return os.environ.get("KUBECONFIG") or (None if in_pod else str(default))


def _uncounted(verb: str, resource: str, code: str) -> None:
    """Nobody asks a client how many requests it made."""
