"""The Python API: what a program uses in place of `kubectl`, and what the `publishbuild` command is made of.

Needs the extra ``client``: ``pip install 'publishbuild-operator[client]'``. Its shape::

    async with connected(kubeconfig=None, context=None) as client:    # as kubectl finds its cluster
        client.namespace                                              # of the context, or of the pod
        await client.builds.get(namespace, name)                      # -> dict, as the API server gives it
        await client.builds.list_all(namespace | None, selector="app=shop")
        await client.builds.create(namespace, manifest, dry_run=False)
        await client.builds.patch_spec(namespace, name, cancel=True)
        await client.builds.wait(namespace, name, until=ended, seconds=None)
        async with aclosing(client.builds.watch(namespace, name="", selector="", on_trouble=print)) as changes:
            async for change in changes:                              # what is, then each change; outlives disconnects
                change.build, change.deleted
        await client.pods.of_build(build)                             # an attempt each, the first one first
        async for line in client.pods.log(namespace, pod_name, follow=True, previous=False, tail=None): ...
        await client.pods.events(namespace, uid)                      # core/v1 Events, the oldest first
        live = await client.queue.read(operator_namespace=None)       # LiveQueue(entries, limit, running, redis_up)
        live.entry(uid)                                               # QueueEntry(position, uid, reason, eta) or None
        await client.namespaces.set_paused(namespace, True)
    outcome(build), condition(build, "Succeeded")                     # Outcome.SUCCEEDED, FAILED, CANCELLED or None

For a web service: `initiate_publishing` and the `BuildHandle` that it returns, and the same without ``await`` in
`publishbuild.client.sync` (docs/client.md).

All raise a `PublishBuildError`, whose text is one line that says what to do.
"""

from publishbuild.client.builds import Builds
from publishbuild.client.connection import Client, connected
from publishbuild.client.errors import (
    AlreadyExistsError,
    ForbiddenError,
    NoClusterError,
    NoResourceError,
    NotFoundError,
    PublishBuildError,
    RefusedError,
    UnauthorizedError,
    UnavailableError,
)
from publishbuild.client.manifest import BuildOptions, build_manifest, named, overlaid
from publishbuild.client.outcome import Outcome, condition, outcome
from publishbuild.client.publishing import BuildHandle, BuildReport, initiate_publishing
from publishbuild.client.queue import LiveQueue, QueueEntry, QueueUnknownError
from publishbuild.client.retrying import retry_build
from publishbuild.client.submitting import Submitted, submit_build
from publishbuild.client.watching import Change

__all__ = [
    "AlreadyExistsError",
    "BuildHandle",
    "BuildOptions",
    "BuildReport",
    "Builds",
    "Change",
    "Client",
    "ForbiddenError",
    "LiveQueue",
    "NoClusterError",
    "NoResourceError",
    "NotFoundError",
    "Outcome",
    "PublishBuildError",
    "QueueEntry",
    "QueueUnknownError",
    "RefusedError",
    "Submitted",
    "UnauthorizedError",
    "UnavailableError",
    "build_manifest",
    "condition",
    "connected",
    "initiate_publishing",
    "named",
    "outcome",
    "overlaid",
    "retry_build",
    "submit_build",
]
