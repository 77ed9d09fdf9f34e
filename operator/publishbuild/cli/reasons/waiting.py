"""Why a build waits."""

from publishbuild.cli.reasons.reason import DOCTOR, NOTHING, Reason, Step
from publishbuild.names import QueueReason

_FOLLOW = Step("See the line, and when it should start:", "publishbuild queue {where}")
_HURRY = Step(
    "To have it start before others of its namespace, raise its priority (-1000 to 1000):",
    'kubectl patch pb {name} {where} --type=merge -p \'{"spec":{"priority":100}}\'',
)

WAITING = (
    Reason(
        QueueReason.SUSPENDED,
        "it is held by its own spec.suspend",
        (Step("Let it go on:", "publishbuild resume {name} {where}"),),
    ),
    Reason(
        QueueReason.QUEUE_PAUSED,
        "somebody has paused the queue, of its namespace or of all",
        (
            Step(
                "Ask who paused it; the message names the namespace. To let its own namespace go on:",
                "publishbuild unpause {where}",
            ),
            Step("Or, where the operator's namespace is named, all of them:", "publishbuild unpause --all-namespaces"),
        ),
    ),
    Reason(
        QueueReason.REDIS_UNAVAILABLE,
        "the operator cannot reach its Redis",
        (
            Step(
                "Nothing on the build: it goes on by itself once Redis is back. Whoever runs the operator finds the"
                " cause in its log (docs/redis.md)."
            ),
            DOCTOR,
        ),
    ),
    Reason(
        QueueReason.CONCURRENCY_KEY_BUSY,
        "another build with the same concurrencyKey still runs",
        (
            Step(
                "Nothing: it starts when that one has ended. To see which it is:",
                "publishbuild list {where} --phase Running --phase Retrying --phase Cancelling",
            ),
            Step("To have a newer build replace an older one, submit it with --cancel-previous."),
        ),
    ),
    Reason(
        QueueReason.NAMESPACE_LIMIT,
        "all places of its namespace are taken",
        (
            Step(
                "Nothing: it starts when one is free. What runs:",
                "publishbuild list {where} --phase Running --phase Retrying",
            ),
            _HURRY,
            Step(
                "Where the message counts Jobs or pods whose build is gone or never was, delete those:",
                "kubectl get jobs,pods {where} -l app.kubernetes.io/managed-by=publishbuild-operator",
            ),
            Step("Whoever runs the operator may raise PUBLISHBUILD_MAX_CONCURRENT_PER_NAMESPACE."),
        ),
    ),
    Reason(
        QueueReason.GLOBAL_LIMIT,
        "all places of the cluster that it may take are taken",
        (
            Step("Nothing: it starts when one is free and it is its turn."),
            Step(
                "Where the message says that some go only to namespaces that have nothing running, those may be free"
                " meanwhile (docs/queue.md)."
            ),
            _FOLLOW,
            _HURRY,
            Step("Whoever runs the operator may raise PUBLISHBUILD_MAX_CONCURRENT."),
        ),
    ),
    Reason(
        QueueReason.WAITING,
        "it is about to have its turn",
        (NOTHING, _FOLLOW),
    ),
)

LAUNCH_REFUSED = Reason(
    "LaunchRefused",
    "the API server refused its Job",
    (
        Step(
            "Mend what the message names, mostly a ResourceQuota or an admission policy of the namespace:",
            "kubectl describe resourcequota -n {namespace}",
        ),
        Step("Then nothing: the operator tries again by itself."),
    ),
)
"""Shown as `Waiting`; the message tells the two apart."""

UNSEEN = Reason(
    "Unseen",
    "no operator has looked at it yet",
    (
        Step(
            "Wait a few seconds. If it stays so, no operator runs, or none that watches namespace {namespace}:",
            "publishbuild doctor {where}",
        ),
    ),
)
"""A build without a status."""
