"""Why a build waits: one reason at a time, the first that holds, with a sentence that says what would help."""

from __future__ import annotations

from publishbuild.decide.facts import Facts
from publishbuild.models.spec import PublishBuildSpec
from publishbuild.names import QueueReason


def queue_reason(facts: Facts, spec: PublishBuildSpec) -> tuple[QueueReason, str]:
    """Reason and message for the condition ``Succeeded`` of a build that waits."""
    queue = facts.queue
    if spec.suspend:
        return QueueReason.SUSPENDED, "held by spec.suspend; set it to false to go on"
    if facts.trouble:
        return QueueReason.WAITING, f"the API server refused the Job, trying again: {facts.trouble.message}"
    if not queue.available and not queue.direct:
        return QueueReason.REDIS_UNAVAILABLE, "the queue's Redis cannot be reached; goes on by itself when it is back"
    if queue.key_busy:
        return (
            QueueReason.CONCURRENCY_KEY_BUSY,
            f"another build with concurrencyKey {spec.concurrency_key!r} runs in namespace {facts.build.namespace}",
        )
    if queue.namespace_limit and queue.running_in_namespace >= queue.namespace_limit:
        return (
            QueueReason.NAMESPACE_LIMIT,
            f"all {queue.namespace_limit} places of namespace {facts.build.namespace} are taken"
            " (PUBLISHBUILD_MAX_CONCURRENT_PER_NAMESPACE)",
        )
    if queue.running >= queue.limit:
        return QueueReason.GLOBAL_LIMIT, f"all {queue.limit} places are taken (PUBLISHBUILD_MAX_CONCURRENT)"
    return QueueReason.WAITING, "waits for its turn"
