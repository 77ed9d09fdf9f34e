"""The CRD, which a cluster has once: whose it is, and whether this tree's operator can use it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from hack.demo.kubectl import ROOT, Kubectl, KubectlError, Object

NAME = "publishbuilds.publishbuild.dev"
_LOOK_SECONDS = 15.0
FILE = ROOT / "crds" / "publishbuild.dev_publishbuilds.yaml"


def is_anothers(kubectl: Kubectl, release: str) -> bool:
    """Whether the cluster has a CRD that is not of this release: it is left as it is.

    Raises:
        KubectlError: it is somebody else's, and not this tree's; or kubectl refused.
    """
    found = _found(kubectl)
    if found is None or owner(found) == (release, kubectl.namespace):
        return False
    if not holds(found["spec"], yaml.safe_load(FILE.read_text(encoding="utf-8"))["spec"]):
        raise KubectlError(
            f"the CRD {NAME} on this cluster is {_whose(found)} and differs from this tree's;"
            " the demo changes nothing that is not its own:"
            " upgrade that one first (docs/helm.md, Upgrade), or take another cluster"
        )
    return True


def owner_of(kubectl: Kubectl) -> tuple[str, str] | None:
    """Helm's release that made the cluster's CRD, and its namespace; None where there is no such release."""
    found = _found(kubectl)
    return owner(found) if found else None


def _found(kubectl: Kubectl) -> Object | None:
    said = kubectl("get", "customresourcedefinition", NAME, "--ignore-not-found", "-o", "json", seconds=_LOOK_SECONDS)
    return json.loads(said) if said.strip() else None


def owner(crd: Object) -> tuple[str, str] | None:
    """Helm's release and its namespace, None where no release made it."""
    notes = crd["metadata"].get("annotations") or {}
    release, namespace = (notes.get(f"meta.helm.sh/release-{part}") for part in ("name", "namespace"))
    return (release, namespace) if release and namespace else None


def _whose(crd: Object) -> str:
    found = owner(crd)
    return f"of release {found[0]} in namespace {found[1]}" if found else "applied by hand"


def holds(found: Any, wanted: Any) -> bool:
    """Whether all of ``wanted`` is in ``found``, which may have more keys: the API server adds defaults."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(key in found and holds(found[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list):
        same = isinstance(found, list) and len(found) == len(wanted)
        return same and all(holds(*each) for each in zip(found, wanted, strict=True))
    return bool(found == wanted)
