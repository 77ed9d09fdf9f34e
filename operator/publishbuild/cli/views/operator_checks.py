"""Of `publishbuild doctor`: the operator, its queue, and the builds."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from publishbuild import __version__
from publishbuild.cli.views.check import INSTALL, NAME_IT, Check, Mark
from publishbuild.cli.views.durations import human_duration
from publishbuild.client.diagnosis import Findings
from publishbuild.client.errors import NotFoundError, PublishBuildError

Object = dict[str, Any]


def operator(found: Findings) -> Check:
    """Whether its Deployment is there and ready."""
    what = "operator"
    if isinstance(found.deployments, PublishBuildError):
        return Check(what, Mark.DOUBT, "its Deployment may not be read", NAME_IT)
    if not found.deployments:
        if _is_led(found):
            return Check(what, Mark.DOUBT, "works, but has no Deployment", f"for lasting use: {INSTALL}")
        return Check(what, Mark.BAD, "no Deployment of it is found", f"{INSTALL}, or {NAME_IT}")
    if len(found.deployments) > 1:
        places = ", ".join(deployment["metadata"]["namespace"] for deployment in found.deployments)
        return Check(what, Mark.DOUBT, f"there are several, in namespaces {places}", NAME_IT)
    return _deployment(found.deployments[0])


def _deployment(deployment: Object) -> Check:
    metadata, what = deployment["metadata"], "operator"
    wanted, ready = deployment["spec"].get("replicas", 1), deployment.get("status", {}).get("readyReplicas", 0)
    version = (metadata.get("labels") or {}).get("app.kubernetes.io/version", __version__)
    says = f"{metadata['namespace']}/{metadata['name']}: {ready} of {wanted} replicas are ready, version {version}"
    if not ready or ready < wanted:
        fix = f"kubectl -n {metadata['namespace']} describe pods -l app.kubernetes.io/component=operator"
        return Check(what, Mark.DOUBT if ready else Mark.BAD, says, fix)
    if version != __version__:
        return Check(what, Mark.DOUBT, f"{says}, but this command {__version__}", "bring both to the same version")
    return Check(what, Mark.GOOD, says)


def leader(found: Findings) -> Check:
    """Whether one of its replicas leads."""
    what, logs = "leader", "read the operator's log: kubectl logs -l app.kubernetes.io/component=operator"
    if found.lease is None:
        return Check(what, Mark.DOUBT, "where its Lease would be is not known", NAME_IT)
    if isinstance(found.lease, NotFoundError):
        return Check(what, Mark.BAD, f"no operator has ever led in namespace {found.operator_namespace}", logs)
    if isinstance(found.lease, PublishBuildError):
        return Check(what, Mark.DOUBT, f"its Lease cannot be read: {found.lease}", NAME_IT)
    spec = found.lease.get("spec") or {}
    holder, silent = spec.get("holderIdentity"), _silence(found, found.lease)
    if not holder:
        return Check(what, Mark.BAD, "the last one has stopped, and nobody has taken over", logs)
    if not _is_led(found):
        return Check(what, Mark.BAD, f"{holder} has been silent for {human_duration(silent)}", logs)
    return Check(what, Mark.GOOD, f"{holder}")


def queue(found: Findings) -> Check:
    """Whether the queue can be read, and its Redis answers."""
    if isinstance(found.queue, PublishBuildError):
        fix = "kubectl get pb shows RedisUnavailable where it is away"
        return Check("queue and Redis", Mark.DOUBT, f"cannot be read: {found.queue}", fix)
    queue = found.queue
    says = f"{queue.running} of {queue.limit} places taken, {len(queue.entries)} waiting"
    if not queue.redis_up:
        return Check("queue and Redis", Mark.BAD, f"Redis is away; {says}", "docs/redis.md says what each error means")
    return Check("queue and Redis", Mark.GOOD, f"Redis answers; {says}")


def pauses(found: Findings) -> Check:
    """Whether nobody holds the builds."""
    held = [place for place, paused in found.paused.items() if paused is True]
    if not held:
        unread = [place for place, paused in found.paused.items() if isinstance(paused, PublishBuildError)]
        if unread:
            return Check(
                "pauses", Mark.DOUBT, f"namespace {unread[0]} may not be read", "kubectl get pb shows QueuePaused"
            )
        return Check("pauses", Mark.GOOD, "nothing is paused")
    everything = found.operator_namespace in held
    fix = "publishbuild unpause --all-namespaces" if everything else f"publishbuild unpause -n {found.namespace}"
    return Check("pauses", Mark.DOUBT, f"{'all builds are' if everything else 'the namespace is'} paused", fix)


def images(found: Findings) -> Check:
    """Whether the newest builds could pull their image."""
    what = "runner image"
    if isinstance(found.builds, PublishBuildError):
        return Check(
            what, Mark.DOUBT, "builds cannot be listed", "publishbuild why NAME tells of a pod that cannot start"
        )
    newest = sorted(found.builds, key=lambda build: build["metadata"]["creationTimestamp"], reverse=True)
    said = [(build["metadata"]["name"], _message(build)) for build in newest]
    stuck = next(((name, text) for name, text in said if "Image" in text and "the pod cannot start" in text), None)
    if stuck:
        return Check(what, Mark.BAD, f"{stuck[0]}: {stuck[1]}", f"publishbuild why {stuck[0]} -n {found.namespace}")
    if any((build.get("status") or {}).get("startTime") for build in newest):
        return Check(what, Mark.GOOD, "no build waits for an image")
    return Check(
        what,
        Mark.DOUBT,
        f"no build has run in namespace {found.namespace} yet",
        "publishbuild submit --credentials expo --watch",
    )


def _message(build: Object) -> str:
    conditions = (build.get("status") or {}).get("conditions") or ()
    return str(next((c.get("message") for c in conditions if c["type"] == "Succeeded"), ""))


def _is_led(found: Findings) -> bool:
    """Whether somebody holds the Lease and has renewed it of late."""
    if found.lease is None or isinstance(found.lease, PublishBuildError):
        return False
    spec = found.lease.get("spec") or {}
    # As long again, for the clocks of three machines.
    return bool(spec.get("holderIdentity")) and _silence(found, found.lease) < 2.0 * spec.get("leaseDurationSeconds", 0)


def _silence(found: Findings, lease: Object) -> float:
    """Seconds since the Lease was renewed, by the API server's clock."""
    renewed = (lease.get("spec") or {}).get("renewTime")
    ahead = found.ahead if isinstance(found.ahead, timedelta) else timedelta()
    return (found.now - ahead - datetime.fromisoformat(renewed)).total_seconds() if renewed else float("inf")
