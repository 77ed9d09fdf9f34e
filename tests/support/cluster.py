"""The kwok cluster that integration tests, the soak and the reliability figures share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from hack.cluster.places import State
from hack.cluster.settings import PORT_BASES, STEP, Settings
from publishbuild import names
from tests.support.waiting import until

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".cluster" / "kwok"
KUBECTL = ROOT / ".cluster" / "bin" / "kubectl"
_OWN_PORTS = 1000


def kwok_kubeconfig(state: Path = STATE, *options: str) -> Path:
    """Its kubeconfig, once it is up with the CRD of this working tree; another cluster's where ``state`` says so."""
    command = [sys.executable, "-m", "hack.cluster", "up", "--node", "kwok", "--state", str(state), *options]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=900)
    found = state / "kubeconfig"
    apply_crd(found)
    return found


def own_ports(number: int) -> tuple[str, str]:
    """Options for cluster ``number`` of a test's own, from 0: the test runs of two working trees never meet.

    Their ports follow from those of the shared cluster, which whoever brings it up may choose.
    """
    shared = Settings.read(State.at(STATE))
    base = shared.port_base if shared else PORT_BASES["kwok"]
    return ("--port-base", str(base + _OWN_PORTS + STEP * number))


def kwok_down(state: Path = STATE) -> None:
    """End it with all that is in it, for whoever wants a new one; no test may run meanwhile."""
    command = [sys.executable, "-m", "hack.cluster", "down", "--state", str(state)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)


def kwok_anew(state: Path = STATE) -> Path:
    """End it and bring it up again, empty, with the ports that it had; its kubeconfig. No test may run meanwhile."""
    known = Settings.read(State.at(state))
    kwok_down(state)
    return kwok_kubeconfig(state, *(("--port-base", str(known.port_base)) if known else ()))


def apply_crd(kubeconfig: Path) -> None:
    """Put this working tree's CRD into a cluster, and wait until its resources can be listed."""

    def kubectl(*arguments: str, check: bool = True) -> int:
        command = [str(KUBECTL), "--kubeconfig", str(kubeconfig), *arguments]
        return subprocess.run(command, cwd=ROOT, check=check, capture_output=True, timeout=60).returncode

    kubectl("apply", "--server-side", "--force-conflicts", "-f", "crds/")
    kubectl("wait", "--for=condition=Established", "-f", "crds/")
    # Established is said before the storage is ready; until then a list is answered by 429.
    listed = ("get", "--raw", f"/apis/{names.API_VERSION}/{names.PLURAL}?limit=1")
    until(lambda: kubectl(*listed, check=False) == 0, seconds=30, what="PublishBuilds can be listed")
