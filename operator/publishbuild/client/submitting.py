"""Asking for a build so that asking twice is building once."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from publishbuild.client.builds import Builds
from publishbuild.client.errors import AlreadyExistsError
from publishbuild.cluster.api import Object
from publishbuild.models.rules import MUTABLE_FIELDS
from publishbuild.models.spec import PublishBuildSpec


@dataclass(frozen=True, slots=True)
class Submitted:
    """A build as the API server has it; ``created`` is False where the very same was asked for before."""

    build: Object
    created: bool


async def submit_build(builds: Builds, namespace: str, manifest: Object, *, dry_run: bool = False) -> Submitted:
    """Create the build, or find the one that the same request made before.

    Raises:
        AlreadyExistsError: where another build has that name; the text names the fields that differ.
    """
    try:
        return Submitted(await builds.create(namespace, manifest, dry_run=dry_run), created=True)
    except AlreadyExistsError as taken:
        if "name" not in manifest["metadata"]:
            raise
        known = await builds.get(namespace, manifest["metadata"]["name"])
        different = differences(manifest["spec"], known["spec"])
        if not different:
            return Submitted(known, created=False)
        name = known["metadata"]["name"]
        text = f"another build is named {name}: {', '.join(different)} differ; choose another name"
        raise AlreadyExistsError(text, taken.status) from taken


def differences(asked: Object, known: Object) -> list[str]:
    """The fields in which two specs differ once their defaults are filled in; those that may change do not count."""
    try:
        one, other = (PublishBuildSpec.model_validate(spec).to_wire() for spec in (asked, known))
    except ValidationError:  # of another version of the CRD
        one, other = asked, known
    fields = sorted((one.keys() | other.keys()) - set(MUTABLE_FIELDS))
    return [f"spec.{field}" for field in fields if one.get(field) != other.get(field)]
