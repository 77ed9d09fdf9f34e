"""The kwok cluster that integration tests, the soak and the reliability figures share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".cluster" / "kwok"
KUBECTL = ROOT / ".cluster" / "bin" / "kubectl"


def kwok_kubeconfig() -> Path:
    """Its kubeconfig, once it is up with the CRD of this working tree."""
    command = [sys.executable, "-m", "hack.cluster", "up", "--node", "kwok", "--state", str(STATE)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=900)
    found = STATE / "kubeconfig"
    apply = [str(KUBECTL), "--kubeconfig", str(found), "apply", "--server-side", "--force-conflicts", "-f", "crds/"]
    subprocess.run(apply, cwd=ROOT, check=True, capture_output=True, timeout=60)
    wait = [str(KUBECTL), "--kubeconfig", str(found), "wait", "--for=condition=Established", "-f", "crds/"]
    subprocess.run(wait, cwd=ROOT, check=True, capture_output=True, timeout=60)
    return found
