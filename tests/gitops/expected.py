"""What GitOps tools are to make of each recorded state: the contract's table, one row a recording."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Expected:
    """The reason of ``Succeeded`` ("" without conditions), what kstatus computes, and Argo CD's health."""

    reason: str
    kstatus: str
    argocd: str


EXPECTED = {
    "new": Expected("", "InProgress", "Progressing"),
    "queued": Expected("Queued", "InProgress", "Progressing"),
    "queued-redis-unavailable": Expected("RedisUnavailable", "InProgress", "Progressing"),
    "queued-concurrency-key-busy": Expected("ConcurrencyKeyBusy", "InProgress", "Progressing"),
    "queued-namespace-limit": Expected("NamespaceLimit", "InProgress", "Progressing"),
    "queued-global-limit": Expected("GlobalLimit", "InProgress", "Progressing"),
    "suspended": Expected("Suspended", "InProgress", "Suspended"),
    "queue-paused": Expected("QueuePaused", "InProgress", "Suspended"),
    "running": Expected("Running", "InProgress", "Progressing"),
    "running-without-image": Expected("Running", "InProgress", "Progressing"),
    "retrying": Expected("Retrying", "InProgress", "Progressing"),
    "cancelling": Expected("Cancelling", "InProgress", "Progressing"),
    "succeeded": Expected("Succeeded", "Current", "Healthy"),
    "failed-all-attempts": Expected("BackoffLimitExceeded", "Failed", "Degraded"),
    "failed-deadline": Expected("DeadlineExceeded", "Failed", "Degraded"),
    "failed-without-retry": Expected("PodFailurePolicy", "Failed", "Degraded"),
    "failed-queue-timeout": Expected("QueueTimeout", "Failed", "Degraded"),
    "failed-invalid-spec": Expected("InvalidSpec", "Failed", "Degraded"),
    "failed-job-deleted": Expected("JobDeleted", "Failed", "Degraded"),
    "cancelled": Expected("Cancelled", "Failed", "Degraded"),
    # The operator has not yet seen what was changed last.
    "resumed-unseen": Expected("Suspended", "InProgress", "Progressing"),
    "succeeded-changed-unseen": Expected("Succeeded", "InProgress", "Progressing"),
}
