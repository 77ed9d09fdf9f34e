"""What a demo leaves on a cluster of the user's own, and how to remove it."""

from __future__ import annotations

import shlex

from hack.demo import crd
from hack.demo.helm import Helm
from hack.demo.kubectl import Kubectl, KubectlError


def told(kubectl: Kubectl) -> str:
    """What is there, and the one line that removes it; the CRD is the demo's to remove where its release made it."""
    helm = Helm(kubectl)
    where = ["--context", kubectl.context] if kubectl.context else []
    commands = [helm.removal, shlex.join(["kubectl", *where, "delete", "namespace", kubectl.namespace])]
    what = (
        f"On {kubectl.context} stay the namespace {kubectl.namespace} (release {helm.release}, stand-ins, Secrets,"
        " Lease, builds) and the release's cluster roles and policy"
    )
    if _made_the_crd(kubectl, helm.release):
        commands.append(shlex.join(["kubectl", *where, "delete", "crd", crd.NAME]))
        what += ", and the CRD, with which every PublishBuild of the cluster goes"
    return f"{what}. Remove it with:\n  {' && '.join(commands)}"


def _made_the_crd(kubectl: Kubectl, release: str) -> bool:
    try:
        return crd.owner_of(kubectl) == (release, kubectl.namespace)
    except KubectlError:
        return False
