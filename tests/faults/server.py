"""The way straight to the real API server, for the proxies, the recorder and the users of a run."""

from __future__ import annotations

import base64
import json
import ssl
from pathlib import Path
from typing import Any, Self

import aiohttp

from publishbuild.cluster.sockets import Sockets

Object = dict[str, Any]

LINE_BYTES = 4 * 1024 * 1024


class Server:
    """One connection pool with the administrator's token. An answer of 400 and more raises `Refused`."""

    def __init__(self, kubeconfig: Path) -> None:
        read = json.loads(kubeconfig.read_text())
        cluster = read["clusters"][0]["cluster"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self.url: str = cluster["server"]
        self.headers = {"Authorization": f"Bearer {read['users'][0]['user']['token']}"}
        self._sockets = Sockets()
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, ssl=ssl.create_default_context(cadata=authority), socket_factory=self._sockets.make
            ),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
            read_bufsize=LINE_BYTES,
            auto_decompress=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()
        await self._sockets.aclose()

    async def call(self, verb: str, path: str, body: Object | None = None, content_type: str = "") -> Object:
        """One request of a user."""
        headers = {**self.headers, "Content-Type": content_type or "application/json"}
        data = None if body is None else json.dumps(body)
        async with self.session.request(verb, self.url + path, data=data, headers=headers) as answer:
            said: Object = json.loads(await answer.read())
            if answer.status >= 400:
                raise Refused(answer.status, str(said.get("message")))
            return said


class Refused(Exception):  # noqa: N818  # reads as what it is
    """The API server refused a user's request."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
