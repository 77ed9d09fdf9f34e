"""A build again: a new PublishBuild with the same spec, since a build is a record and never runs twice."""

from __future__ import annotations

import re
from collections.abc import Collection

from publishbuild import names
from publishbuild.client.builds import Builds
from publishbuild.client.errors import AlreadyExistsError, PublishBuildError
from publishbuild.client.outcome import Outcome, outcome
from publishbuild.cluster.api import Object

_RETRY = re.compile(r"-r[0-9]+$")
_NOT_AGAIN = ("cancel", "suspend", "retryOf")
# A GitOps tool or Helm would take the new build for one of its own, and remove it as unknown to it.
_FOREIGN_LABELS = re.compile(r"^(app\.kubernetes\.io/(instance|managed-by)\Z|helm\.sh/|[^/]*\.toolkit\.fluxcd\.io/)")
_TRIES = 5


async def retry_build(builds: Builds, namespace: str, name: str, *, force: bool = False) -> Object:
    """The new build, named ``NAME-r2``, ``-r3`` and so on.

    Raises:
        PublishBuildError: where the build has neither failed nor been cancelled, unless ``force``.
    """
    build = await builds.get(namespace, name)
    if not force and outcome(build) not in {Outcome.FAILED, Outcome.CANCELLED}:
        raise PublishBuildError(_why_not(build))
    taken = {other["metadata"]["name"] for other in await builds.list_all(namespace)}
    for _ in range(_TRIES - 1):
        manifest = retry_manifest(build, taken)
        try:
            return await builds.create(namespace, manifest)
        except AlreadyExistsError:  # somebody else retries it as well
            taken.add(manifest["metadata"]["name"])
    return await builds.create(namespace, retry_manifest(build, taken))


def retry_manifest(build: Object, taken: Collection[str]) -> Object:
    """What asks for ``build`` again, under the next name that is not ``taken``."""
    metadata = build["metadata"]
    spec = {field: value for field, value in build["spec"].items() if field not in _NOT_AGAIN}
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if not _FOREIGN_LABELS.match(key)}
    made = {"name": retry_name(metadata["name"], taken)} | ({"labels": labels} if labels else {})
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "metadata": made,
        "spec": {**spec, "retryOf": metadata["name"]},
    }


def retry_name(name: str, taken: Collection[str]) -> str:
    """``app-r2`` after ``app``, ``app-r3`` after ``app-r2``: the first that is free, within the longest name."""
    base, number = _RETRY.sub("", name), 2
    while True:
        ending = f"-r{number}"
        made = base[: names.MAX_BUILD_NAME - len(ending)].rstrip("-.") + ending
        if made != name and made not in taken:
            return made
        number += 1


def _why_not(build: Object) -> str:
    name = build["metadata"]["name"]
    if outcome(build) is Outcome.SUCCEEDED:
        return f"{name} has succeeded: --force publishes it once more"
    phase = (build.get("status") or {}).get("phase") or "new"
    return f"{name} has not ended (it is {phase}) and retries by itself: cancel it first, or --force a second build"
