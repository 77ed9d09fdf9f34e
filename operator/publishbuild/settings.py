"""The operator's settings: read from the environment once, into one frozen model.

A bad value stops the start with one line that names the variable, the value and what is allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo

from publishbuild.build_queue.address import SCHEMES, read_address

_ALLOWED = {
    "REDIS_URL": f"a URL that starts with {', '.join(SCHEMES)}, for example redis://redis:6379/0 (docs/redis.md)",
    "PUBLISHBUILD_WATCH_NAMESPACES": "names of namespaces, separated by commas; empty for all",
    "PUBLISHBUILD_MAX_CONCURRENT": "a whole number from 1 to 10000",
    "PUBLISHBUILD_MAX_CONCURRENT_PER_NAMESPACE": "a whole number from 0 (no limit) to 10000",
    "PUBLISHBUILD_RESERVED_FOR_IDLE": "a whole number from 0 (none) to 9999, less than PUBLISHBUILD_MAX_CONCURRENT",
    "PUBLISHBUILD_PRIORITY_NAMESPACES": "names of namespaces, separated by commas; empty for none",
    "PUBLISHBUILD_AGING_SECONDS": "a whole number of seconds from 0 (never) to 31536000",
    "PUBLISHBUILD_ON_REDIS_OUTAGE": "hold or direct",
    "PUBLISHBUILD_RUNNER_IMAGE": "the name of an image, for example registry.example/publishbuild-runner:0.1.0",
    "PUBLISHBUILD_CALLBACK_URL": "an http or https URL under which pods reach this operator, or empty",
    "PUBLISHBUILD_LOG_LEVEL": "debug, info, warning or error",
    "PUBLISHBUILD_LOG_FORMAT": "json or console",
    "PUBLISHBUILD_HTTP_PORT": "a port from 0 (any free one) to 65535",
    "PUBLISHBUILD_CALLBACK_PORT": "a port from 0 (any free one) to 65535, not that of PUBLISHBUILD_HTTP_PORT",
    "PUBLISHBUILD_RESYNC_SECONDS": "a number of seconds from 1 to 86400",
}


# By default no more are kept: in a large installation three of ten would cost more than they bring.
_MOST_RESERVED = 10


class SettingsError(ValueError):
    """A setting that cannot be used; its text is the one line for the person who set it."""


def _namespaces(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _redis_url(value: str) -> str:
    read_address(value)
    return value


def _own_port(value: int, info: ValidationInfo) -> int:
    if value and value == info.data.get("http_port"):
        raise ValueError("taken by PUBLISHBUILD_HTTP_PORT")
    return value


def _not_all(value: int, info: ValidationInfo) -> int:
    if value >= info.data.get("max_concurrent", value + 1):
        raise ValueError("leaves no place")
    return value


_Namespaces = Annotated[
    tuple[Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")], ...],
    BeforeValidator(_namespaces),
]


class Settings(BaseModel):
    """`docs/settings.md` explains each to users."""

    model_config = ConfigDict(frozen=True)

    redis_url: Annotated[str, AfterValidator(_redis_url)] = "redis://localhost:6379/0"
    watch_namespaces: _Namespaces = ()
    max_concurrent: Annotated[int, Field(ge=1, le=10_000)] = 10
    max_concurrent_per_namespace: Annotated[int, Field(ge=0, le=10_000)] = 0
    reserved_for_idle: Annotated[int, Field(ge=0, le=9_999), AfterValidator(_not_all)] | None = None
    priority_namespaces: _Namespaces = ()
    aging_seconds: Annotated[int, Field(ge=0, le=31_536_000)] = 21_600
    on_redis_outage: Literal["hold", "direct"] = "hold"
    runner_image: Annotated[str, Field(pattern=r"^\S+$")] = "publishbuild-runner:0.1.0"
    callback_url: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    http_port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    callback_port: Annotated[int, Field(ge=0, le=65_535, validate_default=True), AfterValidator(_own_port)] = 8081
    resync_seconds: Annotated[float, Field(ge=1, le=86_400)] = 300.0

    @property
    def reserved(self) -> int:
        """How many places are kept for namespaces with nothing running: 3 of 10, at most 10, unless it was set."""
        if self.reserved_for_idle is not None:
            return self.reserved_for_idle
        return min(_MOST_RESERVED, self.max_concurrent * 3 // 10)


def variable(field: str) -> str:
    """The environment variable behind a field of `Settings`."""
    return "REDIS_URL" if field == "redis_url" else f"PUBLISHBUILD_{field.upper()}"


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Settings from ``environment``; a variable that is absent or empty has its default.

    Raises:
        SettingsError: for the first value that cannot be used.
    """
    given = {
        field: environment[variable(field)] for field in Settings.model_fields if environment.get(variable(field), "")
    }
    try:
        return Settings.model_validate(given)
    except ValidationError as invalid:
        first = invalid.errors()[0]
        field = str(first["loc"][0])
        name = variable(field)
        if field == "redis_url":
            raise redis_url_error(first["ctx"]["error"]) from None
        value = given.get(field, str(first["input"]))
        raise SettingsError(f"{name}: {value!r} cannot be used; allowed is {_ALLOWED[name]}") from None


def redis_url_error(reason: ValueError) -> SettingsError:
    """The line for a REDIS_URL that cannot be used: ``reason`` in place of the URL, which may hold a password."""
    return SettingsError(f"REDIS_URL: cannot be used, {reason}; allowed is {_ALLOWED['REDIS_URL']}")
