"""Why a build ended: the reason of its condition ``Succeeded=False``."""

from publishbuild.cli.reasons.reason import AGAIN, READ_LOG, SUBMIT_CORRECTED, Reason, Step
from publishbuild.names import FailureReason

ENDINGS = (
    Reason(
        FailureReason.BACKOFF_LIMIT_EXCEEDED,
        "every attempt that spec.backoffLimit allows has failed",
        (READ_LOG, AGAIN),
    ),
    Reason(
        FailureReason.POD_FAILURE_POLICY,
        "the runner gave up for good, since no further attempt can help (exit code 64)",
        (READ_LOG, AGAIN),
    ),
    Reason(
        FailureReason.DEADLINE_EXCEEDED,
        "it ran longer than spec.runTimeoutSeconds, over all attempts",
        (
            Step("See what took the time:", "publishbuild logs {name} {where}"),
            Step(
                "Where it only needs longer, submit it with a larger --run-timeout. What EAS has built meanwhile was"
                " cancelled there where the pod could still do so: look at its pages on EAS."
            ),
        ),
    ),
    Reason(
        FailureReason.QUEUE_TIMEOUT,
        "it waited longer than spec.queueTimeoutSeconds",
        (
            Step("See how long the queue is:", "publishbuild queue {where}"),
            Step("Submit it with a larger --queue-timeout or a higher --priority."),
        ),
    ),
    Reason(
        FailureReason.INVALID_SPEC,
        "its spec, or the Job made from it, cannot be used; the message names the field",
        (SUBMIT_CORRECTED,),
    ),
    Reason(
        FailureReason.JOB_DELETED,
        "somebody deleted its Job before it had ended, so nobody knows what it has done",
        (
            Step("Look on EAS whether its build goes on or has ended: its pages are in status.builds[].logsURL."),
            Step("To build it again (this is a new build on EAS, too):", "publishbuild retry {name} {where} --watch"),
        ),
    ),
    Reason(
        FailureReason.JOB_FAILED,
        "its Job failed, and Kubernetes gave no reason that is known",
        (Step("Read what Kubernetes says of the Job:", "kubectl describe job {job} {where}"), AGAIN),
    ),
    Reason(
        FailureReason.CANCELLED,
        "it was asked for; the message says by whom, and what was stopped on EAS",
        (Step("Nothing. To build it after all:", "publishbuild retry {name} {where} --watch"),),
    ),
)
