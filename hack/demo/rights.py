"""What the demo needs to be allowed on a user's own cluster: asked for before anything is installed there."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from hack.demo.kubectl import Kubectl, KubectlError, Object

_SHOWN = 5


class Right(NamedTuple):
    """A verb on a kind of resource, in the demo's namespace or (``everywhere``) on the whole cluster."""

    verb: str
    resource: str
    group: str = ""
    everywhere: bool = False

    def __str__(self) -> str:
        name = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{self.verb} {name}{'' if self.everywhere else ' in its namespace'}"


_RBAC, _POLICIES, _EXTENSIONS = "rbac.authorization.k8s.io", "admissionregistration.k8s.io", "apiextensions.k8s.io"
NEEDED: tuple[Right, ...] = (
    Right("create", "namespaces", everywhere=True),
    Right("list", "deployments", "apps", everywhere=True),
    *(Right(verb, "customresourcedefinitions", _EXTENSIONS, everywhere=True) for verb in ("get", "create")),
    *(Right("create", kind, _RBAC, everywhere=True) for kind in ("clusterroles", "clusterrolebindings")),
    *(
        Right("create", kind, _POLICIES, everywhere=True)
        for kind in ("validatingadmissionpolicies", "validatingadmissionpolicybindings")
    ),
    *(Right("create", kind, _RBAC) for kind in ("roles", "rolebindings")),
    *(Right("create", kind, "apps") for kind in ("deployments", "statefulsets")),
    *(Right("create", kind) for kind in ("secrets", "services", "serviceaccounts")),
    Right("create", "poddisruptionbudgets", "policy"),
    Right("get", "services/proxy"),
    *(Right(verb, "publishbuilds", "publishbuild.dev") for verb in ("create", "delete", "list", "watch")),
    # Nobody may grant what they do not have: the operator's Role holds these.
    Right("update", "publishbuilds/status", "publishbuild.dev"),
    Right("get", "namespaces"),
    Right("patch", "jobs", "batch"),
    Right("create", "events", "events.k8s.io"),
    Right("update", "leases", "coordination.k8s.io"),
)
TO_LIST_NODES = Right("list", "nodes", everywhere=True)


def require_rights(kubectl: Kubectl, needed: Sequence[Right] = NEEDED) -> None:
    """Ask the API server about each right, in one call.

    Raises:
        KubectlError: some are missing, in one line with what brings them; or kubectl refused.
    """
    reviews = [_review(right, kubectl.namespace) for right in needed]
    asked = json.dumps({"apiVersion": "v1", "kind": "List", "items": reviews})
    answers = list(_documents(kubectl("create", "--validate=false", "-f", "-", "-o", "json", stdin=asked)))
    missing = [str(right) for right, answer in zip(needed, answers, strict=True) if not answer["status"]["allowed"]]
    if missing:
        raise KubectlError(_advice(kubectl.context or "", missing))


def _advice(context: str, missing: Sequence[str]) -> str:
    more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
    check = shlex.join(["kubectl", "auth", "can-i", "*", "*", "--all-namespaces", "--context", context])
    return (
        f"the user of context {context} may not: {', '.join(missing[:_SHOWN])}{more}."
        f" It installs a CRD, cluster roles and an admission policy: take a context that is cluster-admin ({check})"
    )


def _review(right: Right, namespace: str) -> Object:
    resource, _, sub = right.resource.partition("/")
    attributes = {"verb": right.verb, "group": right.group, "resource": resource, "subresource": sub}
    where = {} if right.everywhere else {"namespace": namespace}
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes | where},
    }


def _documents(text: str) -> Iterator[Any]:
    """The JSON documents that follow each other in ``text``: kubectl prints what it created so."""
    decoder, text = json.JSONDecoder(), text.strip()
    while text:
        found, end = decoder.raw_decode(text)
        yield found
        text = text[end:].lstrip()
