"""The runner's environment as one frozen model; a bad value gives one line that names it and what is allowed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "PUBLISHBUILD_"
DEFAULT_TERMINATION_LOG = "/dev/termination-log"

_URL = re.compile(r"^(?:(?:https?|ssh|file)://\S+|[\w.-]+@[\w.-]+:[^\s:]\S*)$")
_WITH_CREDENTIALS = re.compile(r"^https?://[^/]*@")
# The same as the CRD's rule, so that what `kubectl apply` takes is not refused here.
_REVISION = re.compile(r"[^-\s~^:?*\[\\][^\s~^:?*\[\\]*")
_WORD = re.compile(r"[\w.@ -]+")


class SettingsError(ValueError):
    """The environment cannot be used; the text has one line for each bad value."""


def _source_url(value: str) -> str:
    if not _URL.match(value):
        raise ValueError("an https, ssh or file URL")
    if _WITH_CREDENTIALS.match(value):
        raise ValueError("a URL without credentials; put them into a Secret")
    return value


def _revision(value: str) -> str:
    if not _REVISION.fullmatch(value) or ".." in value:
        raise ValueError("a branch, a tag or a SHA")
    return value


def _source_path(value: str) -> str:
    if value.startswith("/") or ".." in Path(value).parts:
        raise ValueError("a folder inside the repository, relative and without '..'")
    return value


def _word(value: str) -> str:
    if value.startswith("-") or not _WORD.fullmatch(value):
        raise ValueError("a name as in eas.json")
    return value


_EMPTY_IS_NONE = BeforeValidator(lambda value: None if value == "" else value)
ProfileName = Annotated[str, AfterValidator(_word)]


class RunnerSettings(BaseModel):
    """What one attempt is to build and submit, and where it may work."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    uid: str = Field(pattern=r"^[\w.-]+$", max_length=100)
    name: str = Field(min_length=1)
    namespace: str = Field(min_length=1)
    source_url: Annotated[str, AfterValidator(_source_url)]
    source_revision: Annotated[str, AfterValidator(_revision)] = "HEAD"
    source_path: Annotated[str, AfterValidator(_source_path)] = "."
    source_secret_dir: Annotated[Path | None, _EMPTY_IS_NONE] = None
    platform: Literal["ios", "android", "all"] = "all"
    profile: ProfileName = "production"
    submit: bool = True
    submit_profile: Annotated[ProfileName | None, _EMPTY_IS_NONE] = None
    workdir: Path = Path("/workspace")
    private_dir: Annotated[Path | None, _EMPTY_IS_NONE] = None
    termination_log: Path = Path(DEFAULT_TERMINATION_LOG)
    poll_seconds: float = Field(default=10, gt=0, le=600)
    install: Literal["auto", "always", "never"] = "auto"

    @model_validator(mode="after")
    def _no_secret_in_clear(self) -> RunnerSettings:
        if self.source_secret_dir is not None and self.source_url.startswith("http://"):
            raise ValueError("source_url: credentials are not sent over plain http")
        return self

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platforms to build, each with its own EAS build."""
        return ("ios", "android") if self.platform == "all" else (self.platform,)

    @property
    def private(self) -> Path:
        """Where home, keys and caches of this stage are."""
        return self.private_dir or self.workdir / ".publishbuild"

    @property
    def effective_submit_profile(self) -> str:
        """The submit profile, which is the build profile where none was given."""
        return self.submit_profile or self.profile

    def message(self, platform: str) -> str:
        """The message that marks this build on EAS, so that a retry finds it again."""
        return f"pb:{self.uid}:{platform}"


def read_settings(environment: Mapping[str, str]) -> RunnerSettings:
    """The settings in ``PUBLISHBUILD_…``.

    Raises:
        SettingsError: with one line for each bad or missing variable.
    """
    given: dict[str, Any] = {}
    for field in RunnerSettings.model_fields:
        name = PREFIX + field.upper()
        # An empty variable is one that was not set, but for those where empty is a mistake to report.
        if environment.get(name):
            given[field] = environment[name]
    try:
        return RunnerSettings(**given)
    except ValidationError as error:
        raise SettingsError("\n".join(_line(item) for item in error.errors())) from None


def _line(item: Any) -> str:
    if not item["loc"]:
        return f"bad settings: {item['msg'].removeprefix('Value error, ')}"
    name = PREFIX + str(item["loc"][0]).upper()
    if item["type"] == "missing":
        return f"{name} is not set"
    if item["type"] == "value_error":
        wanted = item["msg"].removeprefix("Value error, ")
        return f"{name} must be {wanted}" + ("" if "credentials" in wanted else f", not {item['input']!r}")
    return f"{name}={item['input']!r} is not allowed: {item['msg'][:1].lower()}{item['msg'][1:]}"
