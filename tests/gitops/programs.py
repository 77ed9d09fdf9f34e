"""The program that holds the real libraries of GitOps tools; see go/conformance/main.go."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from hack.cluster.go_builds import built
from tests.support.kube import Object

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "gitops"


def conformance(
    verb: str, *files: Path, stdin: str | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run it, built once for each content of its sources."""
    program = built("conformance", Path(__file__).parent / "go")
    command = [str(program), verb, *map(str, files)]
    return subprocess.run(command, input=stdin, text=True, capture_output=True, check=check, timeout=60)


def health(builds: list[Object], script: Path = EXAMPLES / "argocd" / "health.lua") -> list[dict[str, Any]]:
    """What kstatus and Argo CD say of each build: ``{name, kstatus, argocd: {status, message}}``."""
    told: list[dict[str, Any]] = json.loads(conformance("health", script, stdin=json.dumps(builds)).stdout)
    return told
