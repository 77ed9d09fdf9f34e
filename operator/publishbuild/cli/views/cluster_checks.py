"""Of `publishbuild doctor`: the cluster, and what its user may do there."""

from __future__ import annotations

from datetime import timedelta

from publishbuild import __version__
from publishbuild.cli.views.check import Check, Mark
from publishbuild.cli.views.durations import human_duration
from publishbuild.cli.views.schema_difference import difference
from publishbuild.client.diagnosis import NEEDED, Findings
from publishbuild.client.errors import ForbiddenError, NoResourceError, NotFoundError, PublishBuildError
from publishbuild.models.crd import crd

CLOCKS_DIFFER, CLOCKS_FAR_APART = timedelta(seconds=5), timedelta(minutes=5)


def server(found: Findings) -> Check:
    """Whether an API server answers."""
    if isinstance(found.version, PublishBuildError):
        return Check("API server", Mark.BAD, str(found.version), "choose the right cluster: --context, --kubeconfig")
    return Check("API server", Mark.GOOD, f"Kubernetes {found.version} answers")


def clock(found: Findings) -> Check:
    """Whether this machine's clock is right enough for ages and times."""
    if isinstance(found.ahead, PublishBuildError) or found.ahead is None:
        return Check("clock", Mark.DOUBT, "the API server does not tell its time", "compare it by hand")
    apart = abs(found.ahead)
    if apart < CLOCKS_DIFFER:
        return Check("clock", Mark.GOOD, "this machine and the API server agree within 5 s")
    way = "ahead of" if found.ahead > timedelta() else "behind"
    says = f"this machine is {human_duration(apart.total_seconds())} {way} the API server"
    mark = Mark.DOUBT if apart < CLOCKS_FAR_APART else Mark.BAD
    return Check("clock", mark, f"{says}, so ages and times shown here are wrong", "set the clock by NTP")


def resource(found: Findings) -> Check:
    """Whether the cluster has PublishBuilds, of this version."""
    what, apply = "PublishBuild CRD", "publishbuild crd | kubectl apply --server-side -f -"
    if isinstance(found.crd, NotFoundError):
        return Check(what, Mark.BAD, "this cluster has no PublishBuilds", f"install the chart, or: {apply}")
    if isinstance(found.crd, PublishBuildError):
        served = not isinstance(found.builds, NoResourceError)
        says = (
            "is there; whether it is this version's cannot be read" if served else "this cluster has no PublishBuilds"
        )
        fix = "kubectl get crd needs rights on the whole cluster: ask whoever runs it" if served else apply
        return Check(what, Mark.DOUBT if served else Mark.BAD, says, fix)
    conditions = {c["type"]: c["status"] for c in found.crd.get("status", {}).get("conditions") or ()}
    if conditions.get("Established") != "True":
        return Check(what, Mark.BAD, "is not established", "kubectl describe crd publishbuilds.publishbuild.dev")
    differs = difference(crd(), found.crd)
    if differs:
        fix = f"bring chart and command to the same version; the CRD of this command: {apply}"
        return Check(what, Mark.DOUBT, f"is not that of version {__version__}: {differs}", fix)
    return Check(what, Mark.GOOD, f"is that of version {__version__}")


def rights(found: Findings) -> Check:
    """Whether the user may use them."""
    what, place = "your rights", f"in namespace {found.namespace}"
    if isinstance(found.rights, PublishBuildError):
        return Check(what, Mark.DOUBT, f"cannot be read: {found.rights}", "kubectl auth can-i --list")
    missing = [right for right, may in found.rights.items() if not may]
    if not missing:
        return Check(what, Mark.GOOD, f"are all there {place}")
    said = ", ".join(map(str, missing))
    mark = Mark.BAD if set(missing) & set(NEEDED) else Mark.DOUBT
    return Check(
        what,
        mark,
        f"you may not {said} {place}",
        "ask there for the role publishbuild-submitter to build, view to look",
    )


def policy(found: Findings) -> Check:
    """Whether somebody who may create builds is kept from more."""
    what = "admission policy"
    if isinstance(found.policies, ForbiddenError):
        return Check(
            what, Mark.DOUBT, "may not be read", "whoever runs the cluster can: kubectl get validatingadmissionpolicy"
        )
    if isinstance(found.policies, PublishBuildError):
        return Check(what, Mark.DOUBT, f"cannot be read: {found.policies}", "try again")
    if not found.policies:
        says = "none: whoever may create builds may use any Secret and service account of the namespace"
        return Check(what, Mark.DOUBT, says, "the chart's runnerPolicy.enabled (docs/security.md)")
    return Check(what, Mark.GOOD, ", ".join(policy["metadata"]["name"] for policy in found.policies))
