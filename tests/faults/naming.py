"""The names of the points at which faults are injected, read off what the operator sends.

API server: ``create job``, ``write status``, ``delete job``, ``set ttl``, ``post event``, ``renew lease``,
``list <resource>``, ``watch <resource>`` (its opening), ``event <resource>`` (one line of it), ``get <resource>``,
``discover``. Redis: ``turn``, ``rebuild`` (its first command to its last).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WRITES = ("create job", "write status", "delete job", "set ttl", "post event", "renew lease")
WATCHED = ("publishbuilds", "jobs", "pods")

_OBJECT = re.compile(
    r"^/api(?:s/[^/]+)?/[^/]+(?:/namespaces/(?P<namespace>[^/]+))?/(?P<resource>[a-z]+)"
    r"(?:/(?P<name>[^/]+))?(?:/(?P<sub>[a-z]+))?$"
)
_JOB_OF_BUILD = re.compile(r"^pb-(?P<build>.+)-[0-9a-z]+$")
_WRITE_NAMES = {
    ("POST", "jobs", ""): "create job",
    ("DELETE", "jobs", ""): "delete job",
    ("PATCH", "jobs", ""): "set ttl",
    ("POST", "events", ""): "post event",
    ("PUT", "leases", ""): "renew lease",
    ("POST", "leases", ""): "renew lease",
    ("PUT", "publishbuilds", "status"): "write status",
    ("PATCH", "publishbuilds", "status"): "write status",
}


@dataclass(frozen=True, slots=True)
class Named:
    """One request: its ``point``, and the ``build`` that it is about where that can be read, else ""."""

    point: str
    namespace: str = ""
    build: str = ""

    @property
    def is_write(self) -> bool:
        """Whether it changes something in the cluster."""
        return self.point in WRITES or self.point.startswith("unknown write")


def name_request(verb: str, path: str, query: Mapping[str, str], body: Mapping[str, object] | None = None) -> Named:
    """The name of one request to the API server."""
    match = _OBJECT.match(path)
    if match is None:
        return Named("discover") if verb == "GET" else Named(f"unknown write {verb} {path}")
    resource, name = match["resource"], match["name"] or ""
    where = match["namespace"] or ""
    build = _build_of(resource, name or _name_in(body))
    if verb != "GET":
        point = _WRITE_NAMES.get((verb, resource, match["sub"] or ""))
        return Named(point or f"unknown write {verb} {resource}", where, build)
    if name:
        return Named(f"get {resource}", where, build)
    if query.get("watch") in ("true", "1"):
        return Named(f"watch {resource}", where)
    return Named(f"list {resource}", where)


def name_command(command: Sequence[bytes]) -> str:
    """The name of one Redis command; "" for one that is no point of its own."""
    word = command[0].upper() if command else b""
    if word in (b"EVALSHA", b"EVAL"):
        return "turn"
    if word in (b"DEL", b"UNLINK") and any(key.endswith(b":epoch") for key in command[1:]):
        return "rebuild"
    if word == b"SET" and len(command) > 1 and command[1].endswith(b":epoch"):
        return "rebuild end"
    return ""


def build_of_job(name: str) -> str:
    """The name of the build whose Job has that name, or ""."""
    match = _JOB_OF_BUILD.match(name)
    return match["build"] if match else ""


def _build_of(resource: str, name: str) -> str:
    if resource == "publishbuilds":
        return name
    if resource == "events":
        return name.partition(".")[0]
    return build_of_job(name) if resource == "jobs" else ""


def _name_in(body: Mapping[str, object] | None) -> str:
    metadata = (body or {}).get("metadata")
    return str(metadata.get("name", "")) if isinstance(metadata, dict) else ""
