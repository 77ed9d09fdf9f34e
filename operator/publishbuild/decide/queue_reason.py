"""Why a build waits: one reason at a time, the first that holds, with a sentence that says what would help."""

from __future__ import annotations

import math

from publishbuild.decide.facts import Facts, QueueFacts
from publishbuild.models.spec import PublishBuildSpec
from publishbuild.names import ANNOTATION_PAUSED, QueueReason

# Whoever is asked first: a build that could not be launched anyhow has not been refused by the API server since.
_BEFORE_TROUBLE = (QueueReason.QUEUE_PAUSED, QueueReason.REDIS_UNAVAILABLE)


def reason_in_line(queue: QueueFacts) -> QueueReason:
    """Why a build that is not suspended waits."""
    checks = (
        (queue.paused_by is not None, QueueReason.QUEUE_PAUSED),
        (not queue.available and not queue.direct, QueueReason.REDIS_UNAVAILABLE),
        (queue.key_busy, QueueReason.CONCURRENCY_KEY_BUSY),
        (queue.running_in_namespace >= _share(queue), QueueReason.NAMESPACE_LIMIT),
        (
            queue.running >= queue.limit - (queue.reserved if queue.running_in_namespace else 0),
            QueueReason.GLOBAL_LIMIT,
        ),
    )
    return next((reason for holds, reason in checks if holds), QueueReason.WAITING)


def _share(queue: QueueFacts) -> float:
    """How much may run in one namespace: what no build owns takes no place, so only there all places are a limit."""
    if queue.without_build:
        return min(queue.namespace_limit or queue.limit, queue.limit)
    return queue.namespace_limit or math.inf


def queue_reason(facts: Facts, spec: PublishBuildSpec) -> tuple[QueueReason, str]:
    """Reason and message for the condition ``Succeeded`` of a build that waits."""
    if spec.suspend:
        return QueueReason.SUSPENDED, "held by spec.suspend; set it to false to go on"
    reason = reason_in_line(facts.queue)
    if facts.trouble and reason not in _BEFORE_TROUBLE:
        return QueueReason.WAITING, f"the API server refused the Job, trying again: {facts.trouble.message}"
    return reason, _message(reason, facts, spec)


def _message(reason: QueueReason, facts: Facts, spec: PublishBuildSpec) -> str:
    queue, namespace = facts.queue, facts.build.namespace
    match reason:
        case QueueReason.QUEUE_PAUSED:
            return f"held by the annotation {ANNOTATION_PAUSED} of namespace {queue.paused_by}; goes on once it is gone"
        case QueueReason.REDIS_UNAVAILABLE:
            return "the queue's Redis cannot be reached; goes on by itself when it is back"
        case QueueReason.CONCURRENCY_KEY_BUSY:
            return f"another build with concurrencyKey {spec.concurrency_key!r} runs in namespace {namespace}"
        case QueueReason.NAMESPACE_LIMIT:
            return _namespace_full(queue, namespace)
        case QueueReason.GLOBAL_LIMIT:
            return _all_taken(queue, namespace)
        case _:
            return "waits for its turn"


def _all_taken(queue: QueueFacts, namespace: str) -> str:
    """True whether the namespace runs something or not: a status is not written anew where only that has changed."""
    if not queue.reserved:
        return f"all {queue.limit} places are taken (PUBLISHBUILD_MAX_CONCURRENT)"
    places = f"all places that namespace {namespace} may take are taken (PUBLISHBUILD_MAX_CONCURRENT: {queue.limit}"
    kept = f"the last {queue.reserved} of them go only to namespaces that have nothing running"
    return f"{places}; {kept}: PUBLISHBUILD_RESERVED_FOR_IDLE)"


def _namespace_full(queue: QueueFacts, namespace: str) -> str:
    places = f"all {_share(queue)} places of namespace {namespace} are taken"
    if queue.without_build:
        return f"{places}, {queue.without_build} of them by Jobs or pods whose build is gone or never was"
    return f"{places} (PUBLISHBUILD_MAX_CONCURRENT_PER_NAMESPACE)"
