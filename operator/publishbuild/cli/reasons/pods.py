"""Why a pod does not run, or has ended, in Kubernetes's own words."""

from publishbuild.cli.reasons.reason import AGAIN, NOTHING, READ_LOG, SUBMIT_CORRECTED, Reason, Step

_DESCRIBE = Step("Read what Kubernetes says of the pod:", "kubectl describe pod {pod} {where}")
_STOP = Step("A build that cannot start keeps its place; to give it up:", "publishbuild cancel {name} {where}")
_IMAGE = Step("The image is spec.runner.image or, without one, the operator's default (runner.image of the chart).")

CANNOT_START = (
    Reason(
        "Unschedulable",
        "no node has room for its pod",
        (
            Step(
                "Kubernetes starts it as soon as a node fits; the message says what is missing. The nodes:",
                "kubectl get nodes",
            ),
            Step("To ask for less, submit it with a smaller spec.runner.resources."),
            _STOP,
        ),
    ),
    Reason(
        "ImagePullBackOff",
        "the runner's image cannot be pulled",
        (
            Step("See which image, and what the registry answers:", "kubectl describe pod {pod} {where}"),
            _IMAGE,
            Step("A private registry needs a pull secret in this namespace, named in spec.runner.imagePullSecrets."),
            Step("Kubernetes keeps trying: once the image can be pulled, the build goes on by itself."),
            _STOP,
        ),
    ),
    Reason(
        "InvalidImageName",
        "the name of the runner's image is not valid",
        (_IMAGE, Step("Give the place up:", "publishbuild cancel {name} {where}"), SUBMIT_CORRECTED),
    ),
    Reason(
        "ErrImageNeverPull",
        "the runner's image is not on the node, and imagePullPolicy is Never",
        (Step("Load the image into the node, or use another spec.runner.imagePullPolicy."), _IMAGE, _STOP),
    ),
    Reason(
        "CreateContainerConfigError",
        "a Secret or a key that the pod needs is missing",
        (
            Step(
                "Make the Secret that the message names; for the credentials of Expo:",
                "kubectl create secret generic {secret} {where} --from-literal=EXPO_TOKEN=…",
            ),
            Step("The build then goes on by itself."),
            _STOP,
        ),
    ),
    Reason(
        "FailedMount",
        "a volume of the pod cannot be mounted, mostly since the Secret of source.git.secretRef is missing",
        (
            Step(
                "Make the Secret; for a token of a git server:",
                "kubectl create secret generic {git_secret} {where} --type=kubernetes.io/basic-auth"
                " --from-literal=username=… --from-literal=password=…",
            ),
            Step("The build then goes on by itself."),
            _STOP,
        ),
    ),
    Reason("FailedCreatePodSandBox", "the node cannot set up the pod's network or sandbox", (_DESCRIBE, _STOP)),
    Reason(
        "CreateContainerError",
        "the node cannot create the runner's container",
        (_DESCRIBE, _STOP),
    ),
    Reason(
        "RunContainerError",
        "the runner's container cannot be started, mostly since its command is not in the image",
        (_DESCRIBE, Step("Compare spec.runner.command with what is in the image."), _STOP),
    ),
)

OTHER_TROUBLE = Reason("PodTrouble", "its pod cannot start", (_DESCRIBE, _STOP))
"""A waiting reason that is not in the table: the node's own word is shown."""

ATTEMPT_ENDED = (
    Reason(
        "OOMKilled",
        "the runner took more memory than its limit",
        (
            Step("Submit it with a larger spec.runner.resources.limits.memory."),
            SUBMIT_CORRECTED,
        ),
        retried=True,
    ),
    Reason(
        "Disrupted",
        "the pod was evicted or preempted, as when a node is drained; that does not count against the backoffLimit",
        (NOTHING,),
        retried=True,
    ),
    Reason(
        "Evicted",
        "the node was short of memory or disk and evicted the pod",
        (Step("Ask for what the build needs in spec.runner.resources.requests, ephemeral-storage included."), AGAIN),
        retried=True,
    ),
    Reason(
        "StartError",
        "the runner's container could not be started, mostly since its command is not in the image",
        (Step("Compare spec.runner.command with what is in the image."), SUBMIT_CORRECTED),
        retried=True,
    ),
    Reason(
        "Error",
        "the container ended with an error and left no report; only the Expo runner leaves one by itself",
        (READ_LOG, AGAIN),
        retried=True,
    ),
    Reason("PodFailed", "the pod failed before its container had ended", (READ_LOG, AGAIN), retried=True),
)
