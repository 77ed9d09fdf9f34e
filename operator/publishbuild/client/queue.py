"""The operator's exact queue, read through the API server's service proxy."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from publishbuild.client.errors import ForbiddenError, PublishBuildError, UnavailableError
from publishbuild.client.requests import Requests
from publishbuild.cluster.api import Object
from publishbuild.names import OPERATOR_NAME

OPERATOR_SELECTOR = "app.kubernetes.io/part-of=publishbuild,app.kubernetes.io/component=operator"
# The proxy asks any replica, and only the leader knows the queue.
_ASKED = 5
_PAUSE_SECONDS = 0.3


class QueueUnknownError(PublishBuildError):
    """The exact queue cannot be read; what the builds' statuses say of it still can."""


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """A build that waits. ``position`` 1 is next; ``eta`` is when it should start, None where nobody can tell."""

    position: int
    uid: str
    reason: str
    eta: datetime | None = None


@dataclass(frozen=True, slots=True)
class LiveQueue:
    """The exact order, with the operator's limit of builds that run at once and how many of its places are taken."""

    entries: tuple[QueueEntry, ...]
    limit: int
    running: int
    redis_up: bool

    def entry(self, uid: str) -> QueueEntry | None:
        """The entry of the build of that uid, None where it does not wait."""
        return next((entry for entry in self.entries if entry.uid == uid), None)


class Queue:
    """The operator's queue as seen from outside of the cluster."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def read(self, *, operator_namespace: str | None = None) -> LiveQueue:
        """The queue as it is now.

        Raises:
            QueueUnknownError: where no operator is found, more than one is, or the right to ask it is missing.
        """
        namespace, service = await self.operator_service(operator_namespace)
        path = f"/api/v1/namespaces/{namespace}/services/http:{service}:http/proxy/v1/queue"
        refusal = ""
        for ask in range(_ASKED):
            if ask:
                await asyncio.sleep(_PAUSE_SECONDS)
            try:
                return _read(await self._requests.get(path))
            except UnavailableError as standby:
                refusal = str(standby)
            except PublishBuildError as error:
                raise QueueUnknownError(str(error), error.status) from error
        raise QueueUnknownError(f"no operator in namespace {namespace} leads right now: {refusal}")

    async def operator_service(self, namespace: str | None = None) -> tuple[str, str]:
        """Namespace and name of the operator's Service: that in ``namespace``, else the only one, or the user's own.

        Raises:
            QueueUnknownError: where none or more than one is found.
        """
        own = self._requests.namespace
        for place in (namespace,) if namespace else (None, own):
            try:
                return _only(await self._services(place), own)
            except ForbiddenError:
                if place == namespace and namespace:
                    return namespace, OPERATOR_NAME  # its name, unless the release says otherwise
        raise QueueUnknownError("you may not list Services: name the operator's namespace with --operator-namespace")

    async def _services(self, namespace: str | None) -> list[tuple[str, str]]:
        inside = f"/namespaces/{namespace}" if namespace else ""
        items, _ = await self._requests.list_all(f"/api/v1{inside}/services", {"labelSelector": OPERATOR_SELECTOR})
        return [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in items]


def _only(found: list[tuple[str, str]], own: str) -> tuple[str, str]:
    """The one Service of ``found``; of several the one in the namespace ``own``."""
    candidates = found if len(found) <= 1 else [service for service in found if service[0] == own]
    if len(candidates) == 1:
        return candidates[0]
    if not found:
        raise QueueUnknownError("no operator is found: name its namespace with --operator-namespace")
    places = ", ".join(sorted({namespace for namespace, _ in found}))
    raise QueueUnknownError(f"operators in several namespaces ({places}): name one with --operator-namespace")


def _read(answer: Object) -> LiveQueue:
    try:
        return LiveQueue(
            entries=tuple(_entry(entry) for entry in answer["waiting"]),
            limit=int(answer["limit"]),
            running=int(answer["running"]),
            redis_up=answer["redis"] == "up",
        )
    except (KeyError, TypeError, ValueError) as strange:
        text = f"the operator tells its queue in a way that this client cannot read ({strange!r}): is it as new?"
        raise QueueUnknownError(text) from strange


def _entry(entry: Object) -> QueueEntry:
    eta = entry.get("eta")
    return QueueEntry(
        position=int(entry["position"]),
        uid=str(entry["uid"]),
        reason=str(entry["reason"]),
        eta=datetime.fromisoformat(eta) if eta else None,
    )
