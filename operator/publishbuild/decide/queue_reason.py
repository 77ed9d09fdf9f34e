"""Why a build waits: one reason at a time, the first that holds, with a sentence that says what would help."""

from __future__ import annotations

from publishbuild.decide.facts import Facts
from publishbuild.models.spec import PublishBuildSpec
from publishbuild.names import QueueReason


def queue_reason(facts: Facts, spec: PublishBuildSpec) -> tuple[QueueReason, str]:
    """Reason and message for the condition ``Succeeded`` of a build that waits."""
    queue, namespace = facts.queue, facts.build.namespace
    namespace_full = queue.namespace_limit and queue.running_in_namespace >= queue.namespace_limit
    trouble = f"the API server refused the Job, trying again: {facts.trouble.message}" if facts.trouble else ""
    checks = (
        (spec.suspend, QueueReason.SUSPENDED, "held by spec.suspend; set it to false to go on"),
        (
            not queue.available and not queue.direct,
            QueueReason.REDIS_UNAVAILABLE,
            "the queue's Redis cannot be reached; goes on by itself when it is back",
        ),
        (trouble, QueueReason.WAITING, trouble),
        (
            queue.key_busy,
            QueueReason.CONCURRENCY_KEY_BUSY,
            f"another build with concurrencyKey {spec.concurrency_key!r} runs in namespace {namespace}",
        ),
        (
            namespace_full,
            QueueReason.NAMESPACE_LIMIT,
            f"all {queue.namespace_limit} places of namespace {namespace} are taken"  # noqa: ISC004  # one sentence
            " (PUBLISHBUILD_MAX_CONCURRENT_PER_NAMESPACE)",
        ),
        (
            queue.running >= queue.limit,
            QueueReason.GLOBAL_LIMIT,
            f"all {queue.limit} places are taken (PUBLISHBUILD_MAX_CONCURRENT)",
        ),
    )
    for holds, reason, message in checks:
        if holds:
            return reason, message
    return QueueReason.WAITING, "waits for its turn"
