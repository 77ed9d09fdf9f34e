"""Requests to the API server: plain dicts over one shared connection pool of the official async client.

Typed models cost twice the CPU of dicts on the hot path (docs/benchmarks.md), so none are used here. Every request is
counted, has a deadline, and ends in a dict or in an `ApiError` that says whether asking again may help.
"""

from __future__ import annotations

import urllib.request
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import aiohttp
import orjson
from kubernetes.aio import client as kube_client
from yarl import URL

from publishbuild.cluster.json_bytes import json_bytes
from publishbuild.cluster.sockets import Sockets

Object = dict[str, Any]

REQUEST_SECONDS = 15.0
LIST_SECONDS = 60.0
MERGE_PATCH = "application/merge-patch+json"
BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, CONFLICT, GONE, TOO_LARGE, INVALID = (
    400, 401, 403, 404, 409, 410, 413, 422,
)  # fmt: skip
# An object of Kubernetes has at most 1.5 MiB, and a line of a watch holds one.
_LINE_BYTES = 2**21


@dataclass
class ApiError(Exception):
    """An answer other than success, or none at all (``status`` 0: refused, reset or timed out)."""

    status: int
    reason: str
    message: str
    retry_after: float | None = None

    def __str__(self) -> str:
        return f"{self.status or 'no answer'} {self.reason}: {self.message}".strip()


class NotLeaderError(ApiError):
    """This process does not lead (any more), so it writes nothing, now or later."""

    is_final = True

    def __init__(self) -> None:
        super().__init__(0, "NotLeader", "this operator does not lead, so it writes nothing")


class CountRequest(Protocol):
    """Told of every request: verb, resource and HTTP code ("0" for no answer)."""

    def __call__(self, verb: str, resource: str, code: str) -> None:
        """Count it."""
        ...


class Api:
    """The API server, as this package needs it.

    ``namespace`` is the one that its configuration names; ``headers``, each maybe several times, go with every request.
    """

    def __init__(
        self,
        client: kube_client.ApiClient,
        count: CountRequest,
        *,
        namespace: str = "default",
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        # The generated client is not typed through; it knows the credentials, and the requests are made here.
        self._client: Any = client
        self.host = str(client.configuration.host)
        self.namespace = namespace
        self._count = count
        self._sockets = Sockets()
        self._session = aiohttp.ClientSession(
            # Without a limit: each namespace has watches of its own, which must never keep the Lease waiting.
            connector=aiohttp.TCPConnector(
                limit=0, ssl=self._client.rest_client.ssl_context, socket_factory=self._sockets.make
            ),
            read_bufsize=_LINE_BYTES,
            headers=list(headers),
        )
        self._always: dict[str, Any] = {
            "proxy": self._client.configuration.proxy or _proxy_of(self.host),
            "server_hostname": self._client.configuration.tls_server_name,
        }

    async def request(
        self,
        verb: str,
        path: str,
        *,
        resource: str,
        body: Object | None = None,
        query: Mapping[str, str | int] | None = None,
        content_type: str = "application/json",
        seconds: float = REQUEST_SECONDS,
    ) -> Object:
        """One request; the answer's JSON.

        Raises:
            ApiError: where the server refused it or gave no whole answer in ``seconds``.
        """
        code = "0"
        patience = aiohttp.ClientTimeout(total=seconds)
        try:
            async with await self._send(
                verb, path, query, body=body, content_type=content_type, patience=patience
            ) as answer:
                code = str(answer.status)
                raw = await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as lost:
            raise ApiError(0, type(lost).__name__, str(lost) or f"no answer in {seconds:.0f} s") from lost
        finally:
            self._count(verb.lower(), resource, code)
        return _read(answer.status, answer.headers, raw)

    async def lines(
        self,
        path: str,
        *,
        resource: str,
        query: Mapping[str, str | int],
        silence_seconds: float | None,
    ) -> AsyncGenerator[bytes, None]:
        """The lines of an answer as they come, until the server ends it.

        Raises:
            ApiError: where the server refused it, the connection broke, or nothing came for ``silence_seconds``.
        """
        code = "0"
        patience = aiohttp.ClientTimeout(total=None, sock_connect=REQUEST_SECONDS, sock_read=silence_seconds)
        answer = None
        try:
            answer = await self._send("GET", path, query, patience=patience)
            code = str(answer.status)
            if answer.status >= BAD_REQUEST:
                _read(answer.status, answer.headers, await answer.read())
            async for line in answer.content:
                yield line
        # ValueError: a line of several MiB, which no watch holds.
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as lost:
            raise ApiError(0, type(lost).__name__, str(lost) or f"silent for {silence_seconds} s") from lost
        finally:
            if answer is not None:
                _drop(answer)
            self._count("watch" if "watch" in query else "get", resource, code)

    async def server_time(self) -> datetime | None:
        """The API server's clock, in whole seconds; None where its answer does not say.

        Raises:
            ApiError: where there is no answer.
        """
        try:
            patience = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
            async with await self._send("GET", "/version", None, patience=patience) as answer:
                await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as lost:
            raise ApiError(0, type(lost).__name__, str(lost) or "no answer") from lost
        said = answer.headers.get("Date")
        return parsedate_to_datetime(said) if said else None

    async def _send(
        self,
        verb: str,
        path: str,
        query: Mapping[str, str | int] | None,
        *,
        patience: aiohttp.ClientTimeout,
        body: Object | None = None,
        content_type: str = "application/json",
    ) -> aiohttp.ClientResponse:
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "Content-Type": content_type}
        token = await self._client.configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        if token:
            headers["Authorization"] = token
        # As it is: the path is ours, and normalising it again costs more than writing it.
        url = URL(f"{self.host}{path}" + (f"?{urlencode(query)}" if query else ""), encoded=True)
        data = None if body is None else json_bytes(body)
        return await self._session.request(verb, url, headers=headers, data=data, timeout=patience, **self._always)

    async def close(self) -> None:
        """Close the connections; none is open when this returns."""
        await self._session.close()
        await self._client.close()
        await self._sockets.aclose()


def _proxy_of(host: str) -> str | None:
    """The proxy that HTTPS_PROXY and NO_PROXY name for ``host``: asked once, since it costs a look at each request."""
    parts = urlsplit(host)
    if urllib.request.proxy_bypass(parts.netloc):
        return None
    return urllib.request.getproxies_environment().get(parts.scheme)


def _drop(response: aiohttp.ClientResponse) -> None:
    """Close an answer's connection at once: TLS's polite goodbye would outlast the event loop of a short program."""
    connection = response.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()
    response.close()


def _read(status: int, headers: Mapping[str, str], raw: bytes) -> Object:
    said: Object = {}
    try:
        answer = orjson.loads(raw)
    except ValueError:
        # Cut off, or a page of a proxy: no success, whatever the status says.
        said = {"message": raw[:200].decode(errors="replace")}
    else:
        if isinstance(answer, dict):
            said = answer
            if status < BAD_REQUEST:
                return answer
    retry_after = headers.get("Retry-After", "")
    raise ApiError(
        status,
        said.get("reason") or "",
        said.get("message") or "the answer cannot be read",
        float(retry_after) if retry_after.isdigit() else None,
    )
