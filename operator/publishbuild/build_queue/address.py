"""``REDIS_URL``, taken apart: one server, the master that Sentinels name, or a Cluster. Nothing here connects."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, unquote

Form = Literal["single", "unix", "sentinel", "cluster"]
Host = tuple[str, int]

FORMS: dict[str, tuple[Form, bool]] = {
    "redis": ("single", False),
    "rediss": ("single", True),
    "unix": ("unix", False),
    "redis+sentinel": ("sentinel", False),
    "rediss+sentinel": ("sentinel", True),
    "redis+cluster": ("cluster", False),
    "rediss+cluster": ("cluster", True),
}
SCHEMES = tuple(f"{scheme}://" for scheme in FORMS)
PORTS: dict[Form, int] = {"single": 6379, "unix": 0, "sentinel": 26379, "cluster": 6379}

_CREDENTIALS = ("username", "password")
_SENTINEL = ("sentinel_username", "sentinel_password")
TLS_OPTIONS: dict[str, tuple[str, ...]] = {
    "ssl_ca_certs": (),
    "ssl_certfile": (),
    "ssl_keyfile": (),
    "ssl_ciphers": (),
    "ssl_cert_reqs": ("required", "optional", "none"),
    "ssl_check_hostname": ("true", "false"),
    "ssl_min_version": ("TLSv1.2", "TLSv1.3"),
}
_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"\A(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*\.?")
_SPACE = re.compile(r"[\s\x00-\x1f\x7f]")
_NUMBER = re.compile(r"[0-9]{1,5}")
_LARGEST_PORT = 65535


class AddressError(ValueError):
    """A Redis URL that cannot be used; the text says why and repeats no part of it, which may be its password."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the queue's Redis is, and how to reach it. ``hosts`` are Sentinels or Cluster nodes where it has those."""

    form: Form
    tls: bool
    hosts: tuple[Host, ...] = ()
    socket: str = ""
    master: str = ""
    database: int = 0
    options: dict[str, str] = field(default_factory=dict)
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    sentinel_username: str | None = field(default=None, repr=False)
    sentinel_password: str | None = field(default=None, repr=False)


def read_address(url: str) -> Address:
    """The address that ``url`` names; space around it is dropped, as a file in a Secret often ends with a line break.

    Raises:
        AddressError: for the first thing that cannot be used.
    """
    url = url.strip()
    if _SPACE.search(url):
        raise AddressError("it holds a space or a line break")
    scheme, mark, rest = url.partition("://")
    if not mark or scheme.lower() not in FORMS:
        raise AddressError("its scheme is not known")
    form, tls = FORMS[scheme.lower()]
    place, _, query = rest.partition("?")
    authority, _, path = place.partition("/")
    userinfo, at, hosts = authority.rpartition("@")
    options = _options(query, form, tls)
    username, password = _credentials(userinfo) if at else (None, None)
    master, database = _path(form, path, options.pop("db", ""))
    return Address(
        form=form,
        tls=tls,
        hosts=_hosts(form, hosts),
        socket=f"/{_decode(path)}" if form == "unix" else "",
        master=master,
        database=database,
        username=options.pop("username", username),
        password=options.pop("password", password),
        sentinel_username=options.pop("sentinel_username", None),
        sentinel_password=options.pop("sentinel_password", None),
        options=options,
    )


def _decode(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise AddressError("a percent-encoded part is not UTF-8") from None


def _credentials(userinfo: str) -> tuple[str | None, str]:
    username, colon, password = userinfo.partition(":")
    if not colon:
        raise AddressError("it has a user and no password: write user:password@ or :password@")
    return _decode(username) or None, _decode(password)


def _options(query: str, form: Form, tls: bool) -> dict[str, str]:
    known = {*_CREDENTIALS, *(() if form == "cluster" else ("db",)), *(_SENTINEL if form == "sentinel" else ())}
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, errors="strict") if query else []
    except ValueError:
        raise AddressError("what follows its ? cannot be read as name=value&name=value") from None
    options = dict(pairs)
    if len(options) != len(pairs):
        raise AddressError("it names an option twice")
    for name, value in pairs:
        if name in TLS_OPTIONS and not tls:
            raise AddressError(f"{name} needs a scheme that starts with rediss")
        if name not in known and name not in TLS_OPTIONS:
            raise AddressError(f"it has an option that is not known here; known are {', '.join(_sorted(known, tls))}")
        choice = TLS_OPTIONS.get(name)
        if choice and value not in choice:
            raise AddressError(f"{name} is not one of {', '.join(choice)}")
    return options


def _sorted(known: set[str], tls: bool) -> list[str]:
    return sorted({*known, *(TLS_OPTIONS if tls else ())})


def _path(form: Form, path: str, option: str) -> tuple[str, int]:
    """The Sentinels' name of the master, and the number of the database."""
    master = ""
    text = "" if form == "unix" else path.rstrip("/")
    if form == "sentinel":
        master, _, text = text.partition("/")
        if not master:
            raise AddressError("the name of the master is missing: redis+sentinel://host:26379/NAME")
    text = option or text
    if text and not _NUMBER.fullmatch(text):
        raise AddressError("its database is not a number; in a password write / as %2F, ? as %3F, @ as %40")
    if form == "cluster" and int(text or 0):
        raise AddressError("a Cluster has database 0 alone")
    return _decode(master), int(text or 0)


def _hosts(form: Form, text: str) -> tuple[Host, ...]:
    if form == "unix":
        if text:
            raise AddressError("the path of a unix socket starts with a slash: unix:///run/redis.sock")
        return ()
    if form == "single" and "," in text:
        raise AddressError("it names several hosts: those are redis+sentinel:// or redis+cluster://")
    if form == "single" and (not text or text.startswith(":")):
        text = f"localhost{text}"
    return tuple(_host(member, PORTS[form]) for member in text.split(","))


def _host(text: str, port: int) -> Host:
    if text.startswith("["):
        name, bracket, rest = text[1:].partition("]")
        good = bool(bracket) and _is_ipv6(name) and (not rest or rest.startswith(":"))
    else:
        name, colon, rest = text.partition(":")
        rest, good = colon + rest, bool(_NAME.fullmatch(name))
    if not good:
        raise AddressError("the name of a host cannot be read; in a password write / as %2F, ? as %3F, @ as %40")
    number = rest[1:] or str(port)
    if not (_NUMBER.fullmatch(number) and 0 < int(number) <= _LARGEST_PORT):
        raise AddressError(f"a port is not a number from 1 to {_LARGEST_PORT}; in a password write / as %2F, ? as %3F")
    return name, int(number)


def _is_ipv6(text: str) -> bool:
    try:
        return bool(ipaddress.IPv6Address(text))
    except ValueError:
        return False
