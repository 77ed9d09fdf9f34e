"""The requests on the operator's Lease."""

from __future__ import annotations

from datetime import datetime

from publishbuild.cluster.api import NOT_FOUND, Api, ApiError, Object
from publishbuild.decide import lease as decide

_SECONDS = 4.0


class Leases:
    """The Lease ``name`` in ``namespace``. All methods raise `ApiError`; requests are short, since a lease is."""

    def __init__(self, api: Api, namespace: str, name: str) -> None:
        self._api = api
        self._namespace = namespace
        self._name = name
        self._all = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"

    async def get(self) -> Object | None:
        """The Lease, or None where there is none."""
        try:
            return await self._api.request("GET", f"{self._all}/{self._name}", resource="leases", seconds=_SECONDS)
        except ApiError as error:
            if error.status == NOT_FOUND:
                return None
            raise

    async def create(self, identity: str, moment: datetime) -> Object:
        """A Lease that ``identity`` holds; 409 where somebody else was faster."""
        body = decide.fresh(self._namespace, self._name, identity, moment)
        return await self._api.request("POST", self._all, resource="leases", body=body, seconds=_SECONDS)

    async def replace(self, lease: Object) -> Object:
        """Write the Lease as it is given; 409 where it changed since it was read."""
        path = f"{self._all}/{self._name}"
        return await self._api.request("PUT", path, resource="leases", body=lease, seconds=_SECONDS)
