"""How every model of this package meets Kubernetes: camel case outside, snake case inside, unknown keys ignored."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainSerializer
from pydantic.alias_generators import to_camel


class KubeModel(BaseModel):
    """A part of a Kubernetes object.

    Unknown keys are ignored on reading, as the API server prunes them, so that an older operator reads what a newer
    CRD stored. Frozen: a change is a copy.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
    )

    def to_wire(self) -> dict[str, Any]:
        """The object as the API server takes it: camel case, JSON types, absent instead of null."""
        return self.model_dump(by_alias=True, exclude_none=True, mode="json")


def rfc3339(moment: datetime) -> str:
    """Whole seconds, as `metav1.Time` is written."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def rfc3339_micro(moment: datetime) -> str:
    """Microseconds, as `metav1.MicroTime` is written."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


Time = Annotated[datetime, PlainSerializer(rfc3339, return_type=str, when_used="json")]
MicroTime = Annotated[datetime, PlainSerializer(rfc3339_micro, return_type=str, when_used="json")]
