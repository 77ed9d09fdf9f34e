"""Lists and watches, as the API server serves them: pages of a list, and the lines of a watch.

Whoever follows a resource lists it, watches from the list's resourceVersion on, and lists again after a 410:
`publishbuild.cluster.watch` for the operator, `publishbuild.client.watching` for one user.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing

import orjson

from publishbuild.cluster.api import LIST_SECONDS, Api, ApiError, Object
from publishbuild.cluster.json_bytes import json_bytes

PAGE = 500
# The server ends a watch after that long, so that a connection that is silent for longer is dead.
WATCH_SECONDS = 60
SILENCE_SECONDS = 70.0

Query = Mapping[str, str | int]


class Listing:
    """The objects of a list, oldest first. Each is held as bytes until it is asked for: a fifth of the memory."""

    def __init__(self) -> None:
        self._lines: list[tuple[str, int, bytes]] = []

    def add(self, items: list[Object]) -> None:
        """Take in a page."""
        for item in items:
            metadata = item["metadata"]
            # Who wrote which field is half of an object, and nobody here asks.
            metadata.pop("managedFields", None)
            line = metadata["creationTimestamp"], int(metadata["resourceVersion"]), json_bytes(item)
            self._lines.append(line)

    def __len__(self) -> int:
        """How many."""
        return len(self._lines)

    def __iter__(self) -> Iterator[Object]:
        """Each, read anew."""
        return (orjson.loads(line) for _, _, line in sorted(self._lines))


async def pages(
    api: Api, path: str, *, resource: str = "", query: Query | None = None
) -> AsyncGenerator[tuple[list[Object], str], None]:
    """Each page of the list at ``path``, and the list's resourceVersion, which is the same for all.

    Raises:
        ApiError: as for any request; 410 where the pages became too old while they were read.
    """
    page: dict[str, str | int] = {**(query or {}), "limit": PAGE}
    while True:
        answer = await api.request("GET", path, resource=resource, query=page, seconds=LIST_SECONDS)
        yield answer["items"], answer["metadata"]["resourceVersion"]
        more = answer["metadata"].get("continue")
        if not more:
            return
        page["continue"] = more


async def changes(
    api: Api, path: str, version: str | int, *, resource: str = "", query: Query | None = None
) -> AsyncGenerator[tuple[str, Object], None]:
    """What changes at ``path`` after ``version``, until the server ends the watch.

    Yields ADDED, MODIFIED or DELETED with the object, and BOOKMARK with nothing but a newer version.

    Raises:
        ApiError: where the watch was refused, cut or silent; 410 where ``version`` is too old.
    """
    asked: Query = {
        **(query or {}),
        "watch": 1,
        "resourceVersion": version,
        "allowWatchBookmarks": "true",
        "timeoutSeconds": WATCH_SECONDS,
    }
    async with aclosing(api.lines(path, resource=resource, query=asked, silence_seconds=SILENCE_SECONDS)) as lines:
        async for line in lines:
            yield _read(line)


def _read(line: bytes) -> tuple[str, Object]:
    try:
        event = orjson.loads(line)
        kind, obj = event["type"], event["object"]
    except (ValueError, KeyError, TypeError) as cut:
        raise ApiError(0, "Unreadable", f"a line of the watch cannot be read: {line[:100]!r}") from cut
    if kind == "ERROR":
        raise ApiError(obj.get("code", 0), obj.get("reason", ""), obj.get("message") or "the watch ended")
    return kind, obj
