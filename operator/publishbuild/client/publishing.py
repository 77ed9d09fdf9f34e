"""`initiate_publishing`: what a web service calls in place of publishing inline. It returns at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Unpack

from publishbuild.client.connection import Client, connected
from publishbuild.client.manifest import BuildOptions, build_manifest, named
from publishbuild.client.outcome import Outcome, condition, outcome
from publishbuild.client.submitting import submit_build
from publishbuild.cluster.api import Object
from publishbuild.models.status import PublishBuildStatus
from publishbuild.names import ConditionType


@dataclass(frozen=True, slots=True)
class BuildReport:
    """How a build is: ``outcome`` None while it is under way; ``reason`` a word, ``message`` a sentence."""

    outcome: Outcome | None
    reason: str
    message: str
    status: PublishBuildStatus
    """All that is known: phase, place in the queue, attempts, EAS builds and submissions, why it failed."""

    @classmethod
    def read(cls, build: Object) -> BuildReport:
        """From the object as the API server gives it."""
        succeeded = condition(build, ConditionType.SUCCEEDED)
        status = PublishBuildStatus.model_validate(build.get("status") or {})
        return cls(outcome(build), succeeded.get("reason", ""), succeeded.get("message", ""), status)


@dataclass(frozen=True)
class BuildHandle:
    """One build in the cluster. It may be made anew from ``namespace`` and ``name``, in any process, at any time."""

    namespace: str
    name: str
    uid: str = ""
    kubeconfig: str | None = None
    context: str | None = None
    client: Client | None = field(default=None, repr=False)
    """A connection to be used; without one each call connects by itself."""

    async def status(self) -> BuildReport:
        """How the build is now."""
        async with self._connected() as client:
            return BuildReport.read(await client.builds.get(self.namespace, self.name))

    async def wait(self, timeout: float | None = None) -> BuildReport:  # noqa: ASYNC109  # as in `asyncio.wait`
        """How the build ended, once it has; outlives lost connections.

        Raises:
            TimeoutError: where it has not ended after ``timeout`` seconds. The build goes on.
            NotFoundError: where it was deleted.
        """
        async with self._connected() as client:
            return BuildReport.read(await client.builds.wait(self.namespace, self.name, seconds=timeout))

    async def cancel(self) -> None:
        """Ask for its end, whether it waits or runs; `wait` tells when it has come. It cannot be taken back."""
        async with self._connected() as client:
            await client.builds.patch_spec(self.namespace, self.name, cancel=True)

    def _connected(self) -> AbstractAsyncContextManager[Client]:
        return _reused(self.client) if self.client else connected(self.kubeconfig, self.context)


async def initiate_publishing(
    *,
    git_url: str,
    revision: str,
    name: str | None = None,
    namespace: str | None = None,
    labels: Mapping[str, str] | None = None,
    kubeconfig: str | None = None,
    context: str | None = None,
    client: Client | None = None,
    **options: Unpack[BuildOptions],
) -> BuildHandle:
    """Ask for a build and return; the cluster queues it, runs it and retries it.

    With a full commit SHA as ``revision``, or with a ``name``, asking twice gives the same build. ``namespace`` is the
    kubeconfig's, or the pod's, unless given. Inside of a pod its service account needs the role
    ``publishbuild-submitter`` (docs/client.md).

    Raises:
        RefusedError: where a field is wrong; the text names it and says what is allowed.
        AlreadyExistsError: where another build has that ``name``.
        PublishBuildError: where the cluster cannot be asked; see `publishbuild.client.errors`.
    """
    manifest = build_manifest(git_url=git_url, revision=revision, name=name, labels=labels, **options)
    async with _reused(client) if client else connected(kubeconfig, context) as used:
        build = (await submit_build(used.builds, namespace or used.namespace, named(manifest))).build
    metadata = build["metadata"]
    return BuildHandle(metadata["namespace"], metadata["name"], metadata["uid"], kubeconfig, context, client)


@asynccontextmanager
async def _reused(client: Client) -> AsyncIterator[Client]:
    """``client``, which stays open."""
    yield client
