"""Requests of one user: those of `publishbuild.cluster.api`, with errors that say what to do."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime

from publishbuild.client.errors import GoneError, PublishBuildError, from_api
from publishbuild.cluster import list_watch
from publishbuild.cluster.api import REQUEST_SECONDS, Api, ApiError, Object
from publishbuild.cluster.list_watch import Query


class Requests:
    """All methods raise a `PublishBuildError`."""

    def __init__(self, api: Api) -> None:
        self._api = api

    @property
    def namespace(self) -> str:
        """The namespace of the kubeconfig's context, or of the pod."""
        return self._api.namespace

    async def send(
        self,
        verb: str,
        path: str,
        *,
        body: Object | None = None,
        query: Query | None = None,
        content_type: str = "application/json",
        seconds: float = REQUEST_SECONDS,
    ) -> Object:
        """One request; the answer's JSON."""
        try:
            return await self._api.request(
                verb, path, resource="", body=body, query=query, content_type=content_type, seconds=seconds
            )
        except ApiError as error:
            raise self._said(error, path) from error

    async def server_time(self) -> datetime | None:
        """The API server's clock, in whole seconds; None where its answer does not say."""
        try:
            return await self._api.server_time()
        except ApiError as error:
            raise self._said(error, "/version") from error

    async def get(self, path: str, query: Query | None = None) -> Object:
        """GET ``path``."""
        return await self.send("GET", path, query=query)

    async def list_all(self, path: str, query: Query | None = None) -> tuple[list[Object], str]:
        """All objects of a list, however long, and its resourceVersion."""
        try:
            return await self._pages(path, query)
        except GoneError:  # its pages became too old while they were read
            return await self._pages(path, query)

    async def changes(
        self, path: str, version: str, query: Query | None = None
    ) -> AsyncGenerator[tuple[str, Object], None]:
        """What changes after ``version``: see `publishbuild.cluster.list_watch.changes`."""
        try:
            async with aclosing(list_watch.changes(self._api, path, version, query=query)) as changes:
                async for change in changes:
                    yield change
        except ApiError as error:
            raise self._said(error, path) from error

    async def lines(self, path: str, query: Query, *, silence_seconds: float | None) -> AsyncGenerator[bytes, None]:
        """The lines of an answer as they come; an error where nothing comes for ``silence_seconds``."""
        answer = self._api.lines(path, resource="", query=query, silence_seconds=silence_seconds)
        try:
            async with aclosing(answer) as lines:
                async for line in lines:
                    yield line
        except ApiError as error:
            raise self._said(error, path) from error

    async def _pages(self, path: str, query: Query | None) -> tuple[list[Object], str]:
        try:
            pages = [page async for page in list_watch.pages(self._api, path, query=query)]
        except ApiError as error:
            raise self._said(error, path) from error
        return [item for items, _ in pages for item in items], pages[-1][1]

    def _said(self, error: ApiError, path: str) -> PublishBuildError:
        return from_api(error, host=self._api.host, path=path)
