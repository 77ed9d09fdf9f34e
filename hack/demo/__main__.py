"""``make demo``: a real Expo app is built and submitted through the whole chain, twice; one of them fails as it should.

The cluster, the chart, Redis, git, eas-cli, the operator and the runner are real. EAS is a stand-in (tests/standins).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time

from rich.console import Console

from hack.demo import install, show
from hack.demo.helm import HelmError
from hack.demo.kubectl import ROOT, Kubectl, KubectlError

NAMESPACE = "publishbuild-demo"
STATE = ROOT / ".cluster"
BUILDS_SECONDS = 300
# A cluster that was up before the demo stays up after it.
_started_here = False
WANTED = {"published": ("Succeeded", "Succeeded"), "errored": ("Failed", "PodFailurePolicy")}

console = Console(highlight=False)


def main() -> int:
    """0 where both builds ended as they should, 1 where not, 2 where something is missing."""
    arguments = _arguments()
    started = time.monotonic()
    try:
        kubectl = _cluster(arguments)
        _step("installs stand-ins (EAS and a git server), and the chart: CRD, operator, Redis")
        # Two at once, so that the limit is seen at work when more are applied.
        install.install(kubectl, {"settings": {"maxConcurrent": 2}})
        _step("kubectl apply -f examples/")
        install.apply_examples(kubectl)
        ended = show.follow(console, lambda: _builds(kubectl), seconds=BUILDS_SECONDS)
        show.summary(console, ended)
        good = _judge(ended, kubectl)
    except (KubectlError, HelmError, subprocess.CalledProcessError) as error:
        console.print(f"[red]The demo stopped:[/] {error}", soft_wrap=True)
        return 2
    finally:
        _leave(arguments)
    console.print(
        f"\n{'[green]As it should' if good else '[red]Not as it should'}[/], {time.monotonic() - started:.0f} s in all"
    )
    return 0 if good else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave everything up afterwards (make demo KEEP=1)")
    parser.add_argument("--context", help="use this context of your own kubeconfig (make demo CONTEXT=name)")
    return parser.parse_args()


def _cluster(arguments: argparse.Namespace) -> Kubectl:
    if arguments.context:
        console.print(f"Uses context {arguments.context}; its nodes must have the images of `make images`.")
        return Kubectl(NAMESPACE, context=arguments.context)
    # Cold, each takes minutes, and each waits for the network while the other computes.
    images = _start("hack.images", "build", "--only", "operator", "--only", "standins", "--only", "redis")
    global _started_here  # noqa: PLW0603  # one demo a process
    _started_here = not _is_up()
    try:
        _run("hack.cluster", "up", "--state", str(STATE))
    finally:
        archives, _ = images.communicate()
    if images.returncode:
        raise KubectlError("the images could not be built: see the lines above")
    _run("hack.cluster", "load", "--state", str(STATE), *archives.split())
    return Kubectl(NAMESPACE, kubeconfig=STATE / "kubeconfig")


def _builds(kubectl: Kubectl) -> list[show.Object]:
    found = {build["metadata"]["name"]: build for build in kubectl.get("publishbuilds")["items"]}
    return [found[name] for name in WANTED if name in found]


def _judge(builds: list[show.Object], kubectl: Kubectl) -> bool:
    """Whether each build ended as it should, and EAS was asked for exactly what they show, once each."""
    good = len(builds) == len(WANTED)
    for build in builds:
        name, status = build["metadata"]["name"], build.get("status", {})
        reasons = [c["reason"] for c in status.get("conditions", ()) if c["type"] == "Succeeded"]
        good &= (status.get("phase"), *reasons) == WANTED[name]
    counts = json.loads(
        kubectl("get", "--raw", f"/api/v1/namespaces/{NAMESPACE}/services/standins:3000/proxy/standin/counts")
    )
    console.print(
        f"\nThe stand-in EAS was asked for {counts['builds']} builds and {counts['submissions']} submissions."
    )
    for kind in ("builds", "submissions"):
        asked = {key: count for key, count in counts[f"{kind}ByMessage"].items() if _is_of(key, builds)}
        good &= len(asked) == sum(asked.values()) == sum(len(build.get("status", {}).get(kind, ())) for build in builds)
    return good


def _is_of(message: str, builds: list[show.Object]) -> bool:
    return any(message.startswith(f"pb:{build['metadata']['uid']}:") for build in builds)


def _leave(arguments: argparse.Namespace) -> None:
    if arguments.keep or arguments.context or not _started_here:
        where = f"--context {arguments.context}" if arguments.context else "--kubeconfig .cluster/kubeconfig"
        console.print(f"\nLeft up. Look around: kubectl {where} -n {NAMESPACE} get pb,jobs,pods", soft_wrap=True)
        if not arguments.context:
            console.print("Remove it: make cluster-down")
        return
    _run("hack.cluster", "down", "--state", str(STATE))


def _is_up() -> bool:
    command = [sys.executable, "-m", "hack.cluster", "status", "--state", str(STATE)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0


def _step(what: str) -> None:
    console.print(f"[bold]·[/] {what}")


def _run(module: str, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT, check=True)


def _start(module: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE)


if __name__ == "__main__":
    sys.exit(main())
