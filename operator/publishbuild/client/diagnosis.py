"""Reads what `publishbuild doctor` judges. Whatever cannot be read is an error in its place, and the rest is read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias, TypeVar

from publishbuild import names
from publishbuild.client.connection import Client
from publishbuild.client.errors import PublishBuildError
from publishbuild.client.queue import OPERATOR_SELECTOR, LiveQueue
from publishbuild.cluster.api import Object

Value = TypeVar("Value")
Found: TypeAlias = Value | PublishBuildError

POLICY_SELECTOR = "app.kubernetes.io/part-of=publishbuild,app.kubernetes.io/component=policy"
_CRD = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{names.PLURAL}.{names.GROUP}"
_POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@dataclass(frozen=True, slots=True)
class Right:
    """A right in Kubernetes's own words; ``group`` "" is the core."""

    verb: str
    resource: str
    group: str = names.GROUP
    subresource: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}" + (f"/{self.subresource}" if self.subresource else "")


NEEDED = tuple(Right(verb, names.PLURAL) for verb in ("get", "list", "watch"))
"""Without these the command can do nothing."""
USEFUL = (
    Right("create", names.PLURAL),
    Right("patch", names.PLURAL),
    Right("list", "pods", ""),
    Right("get", "pods", "", "log"),
    Right("list", "events", ""),
)


@dataclass(frozen=True, slots=True)
class Findings:
    """What was read at the user's clock ``now``. ``ahead`` is how far that clock is before the API server's."""

    now: datetime
    namespace: str
    version: Found[str]
    ahead: Found[timedelta | None]
    crd: Found[Object]
    rights: Found[dict[Right, bool]]
    deployments: Found[list[Object]]
    operator_namespace: str | None
    lease: Found[Object] | None
    queue: Found[LiveQueue]
    policies: Found[list[Object]]
    paused: dict[str, Found[bool]]
    builds: Found[list[Object]]


async def diagnose(client: Client, namespace: str, operator_namespace: str | None = None) -> Findings:
    """Read all of it, for somebody whose builds are in ``namespace``."""
    requests = client.requests
    version, ahead, crd, rights = await asyncio.gather(
        _found(_version(client)),
        _found(_ahead(client)),
        _found(requests.get(_CRD)),
        _found(_rights(client, namespace)),
    )
    deployments, queue, policies, builds = await asyncio.gather(
        _found(_listed(client, _deployments(operator_namespace), OPERATOR_SELECTOR)),
        _found(client.queue.read(operator_namespace=operator_namespace)),
        _found(_listed(client, _POLICIES, POLICY_SELECTOR)),
        _found(client.builds.list_all(namespace)),
    )
    home = operator_namespace or await _home(client, deployments)
    lease = await _found(requests.get(_lease(home))) if home else None
    places = sorted({namespace, *([home] if home else [])})
    paused = await asyncio.gather(*(_found(client.namespaces.is_paused(place)) for place in places))
    return Findings(
        now=datetime.now(UTC),
        namespace=namespace,
        version=version,
        ahead=ahead,
        crd=crd,
        rights=rights,
        deployments=deployments,
        operator_namespace=home,
        lease=lease,
        queue=queue,
        policies=policies,
        paused=dict(zip(places, paused, strict=True)),
        builds=builds,
    )


async def _found(reading: Awaitable[Value]) -> Found[Value]:
    try:
        return await reading
    except PublishBuildError as error:
        return error


async def _version(client: Client) -> str:
    return str((await client.requests.get("/version"))["gitVersion"])


async def _ahead(client: Client) -> timedelta | None:
    """The Date is in whole seconds, cut off, so half a second is the best guess of the rest."""
    before = datetime.now(UTC)
    there = await client.requests.server_time()
    after = datetime.now(UTC)
    return before + (after - before) / 2 - there - timedelta(seconds=0.5) if there else None


async def _rights(client: Client, namespace: str) -> dict[Right, bool]:
    wanted = (*NEEDED, *USEFUL)
    answers = await asyncio.gather(*(_may(client, namespace, right) for right in wanted))
    return dict(zip(wanted, answers, strict=True))


async def _may(client: Client, namespace: str, right: Right) -> bool:
    attributes = {
        "namespace": namespace,
        "verb": right.verb,
        "group": right.group,
        "resource": right.resource,
        "subresource": right.subresource,
    }
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    answer = await client.requests.send("POST", _REVIEWS, body=body)
    return bool(answer["status"].get("allowed"))


async def _listed(client: Client, path: str, selector: str) -> list[Object]:
    items, _ = await client.requests.list_all(path, {"labelSelector": selector})
    return items


async def _home(client: Client, deployments: Found[list[Object]]) -> str | None:
    """The operator's namespace: that of its only Deployment, else of its Service."""
    found = [] if isinstance(deployments, PublishBuildError) else deployments
    places = {deployment["metadata"]["namespace"] for deployment in found}
    if len(places) == 1:
        return str(places.pop())
    service = await _found(client.queue.operator_service())
    return None if isinstance(service, PublishBuildError) else service[0]


def _deployments(namespace: str | None) -> str:
    return f"/apis/apps/v1{f'/namespaces/{namespace}' if namespace else ''}/deployments"


def _lease(namespace: str) -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{names.OPERATOR_NAME}"
