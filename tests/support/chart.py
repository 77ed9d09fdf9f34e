"""The chart as `helm template` renders it, without a cluster."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import yaml

from hack.demo.helm import CHART
from hack.demo.kubectl import ROOT

Object = dict[str, Any]
HELM = ROOT / ".cluster" / "bin" / "helm"
NAMESPACE = "publish"


def template(values: Object, *, release: str = "publishbuild-operator") -> subprocess.CompletedProcess[str]:
    """``helm template`` with ``values``."""
    command = [str(HELM), "template", release, str(CHART), "--namespace", NAMESPACE, "--values", "-"]
    return subprocess.run(command, input=json.dumps(values), text=True, capture_output=True, check=False, timeout=60)


def rendered(values: Object | None = None) -> list[Object]:
    """The objects that ``values`` give."""
    done = template(values or {})
    assert done.returncode == 0, done.stderr
    # The loader of PyYAML's own takes ten times as long.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [found for found in yaml.load_all(done.stdout, loader) if found]


def of_kind(objects: list[Object], kind: str) -> list[Object]:
    """Those of that kind; hooks, such as those of `helm test`, are left out."""
    return [o for o in objects if o["kind"] == kind and "helm.sh/hook" not in o["metadata"].get("annotations", {})]


def refusal(values: Object) -> str:
    """What helm says against ``values``, "" where it takes them."""
    done = template(values)
    return done.stderr if done.returncode else ""
