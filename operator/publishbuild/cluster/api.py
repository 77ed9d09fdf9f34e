"""Requests to the API server: plain dicts over one shared connection pool of the official async client.

Typed models cost twice the CPU of dicts on the hot path (docs/benchmarks.md), so none are used here. Every request is
counted, has a deadline, and ends in a dict or in an `ApiError` that says whether asking again may help.
"""

from __future__ import annotations

import os
import urllib.request
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import aiohttp
import orjson
from kubernetes.aio import client as kube_client
from kubernetes.aio import config as kube_config
from yarl import URL

Object = dict[str, Any]

REQUEST_SECONDS = 15.0
LIST_SECONDS = 60.0
MERGE_PATCH = "application/merge-patch+json"
BAD_REQUEST, FORBIDDEN, NOT_FOUND, CONFLICT, GONE, TOO_LARGE, INVALID = 400, 403, 404, 409, 410, 413, 422
CONNECTIONS = 64
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
    """The API server, as this operator needs it."""

    def __init__(self, client: kube_client.ApiClient, count: CountRequest) -> None:
        # The generated client is not typed through; it knows the credentials, and the requests are made here.
        self._client: Any = client
        self._host = str(client.configuration.host)
        self._count = count
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS, ssl=self._client.rest_client.ssl_context),
            read_bufsize=_LINE_BYTES,
        )
        self._always: dict[str, Any] = {
            "proxy": self._client.configuration.proxy or _proxy_of(self._host),
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
        try:
            async with self._session.request(
                verb,
                self._url(path, query),
                headers=await self._headers(content_type),
                data=None if body is None else orjson.dumps(body),
                timeout=aiohttp.ClientTimeout(total=seconds),
                **self._always,
            ) as answer:
                code = str(answer.status)
                raw = await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as lost:
            raise ApiError(0, type(lost).__name__, str(lost) or f"no answer in {seconds:.0f} s") from lost
        finally:
            self._count(verb.lower(), resource, code)
        return _read(answer.status, answer.headers, raw)

    async def lines(
        self, path: str, *, resource: str, query: Mapping[str, str | int], silence_seconds: float
    ) -> AsyncGenerator[bytes, None]:
        """The lines of an answer as they come, until the server ends it.

        Raises:
            ApiError: where the server refused it, the connection broke, or nothing came for ``silence_seconds``.
        """
        code = "0"
        try:
            async with self._session.get(
                self._url(path, query),
                headers=await self._headers("application/json"),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=REQUEST_SECONDS, sock_read=silence_seconds),
                **self._always,
            ) as answer:
                code = str(answer.status)
                if answer.status >= BAD_REQUEST:
                    _read(answer.status, answer.headers, await answer.read())
                async for line in answer.content:
                    yield line
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as lost:
            raise ApiError(0, type(lost).__name__, str(lost) or f"silent for {silence_seconds:.0f} s") from lost
        finally:
            self._count("watch" if "watch" in query else "get", resource, code)

    def _url(self, path: str, query: Mapping[str, str | int] | None) -> URL:
        # As it is: the path is ours, and normalising it again costs more than writing it.
        return URL(f"{self._host}{path}" + (f"?{urlencode(query)}" if query else ""), encoded=True)

    async def _headers(self, content_type: str) -> dict[str, str]:
        headers = {"Accept": "application/json", "Content-Type": content_type}
        token = await self._client.configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        if token:
            headers["Authorization"] = token
        return headers

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()
        await self._client.close()


def _proxy_of(host: str) -> str | None:
    """The proxy that HTTPS_PROXY and NO_PROXY name for ``host``: asked once, since it costs a look at each request."""
    parts = urlsplit(host)
    if urllib.request.proxy_bypass(parts.netloc):
        return None
    return urllib.request.getproxies_environment().get(parts.scheme)


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


async def connect(count: CountRequest) -> Api:
    """An `Api` for the cluster that this pod runs in, else for the current context of the kubeconfig.

    Raises:
        ApiError: where neither is to be had; the text says what was looked for.
    """
    configuration = kube_client.Configuration()
    try:
        if os.environ.get("KUBERNETES_SERVICE_HOST"):
            kube_config.load_incluster_config(  # type: ignore[no-untyped-call]  # not typed there
                client_configuration=configuration
            )
        else:
            await kube_config.load_kube_config(  # type: ignore[no-untyped-call]  # not typed there
                client_configuration=configuration
            )
    except Exception as missing:
        raise ApiError(
            0, "NoCluster", f"neither a service account nor a kubeconfig can be used: {missing}"
        ) from missing
    configuration.retries = None
    return Api(kube_client.ApiClient(configuration), count)
