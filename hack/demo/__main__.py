"""``make demo``: a real Expo app is built and submitted through the whole chain, twice; one of them fails as it should.

The cluster, the chart, Redis, git, eas-cli, the operator and the runner are real. EAS is a stand-in (tests/standins).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

from rich.console import Console

from hack.cluster import lifecycle
from hack.cluster.places import ClusterError, State
from hack.cluster.proxies import past_proxies
from hack.demo import install, remains, show, troubles, verdict
from hack.demo.arguments import arguments_of
from hack.demo.helm import HelmError
from hack.demo.images import DemoImages
from hack.demo.kubectl import ROOT, Kubectl, KubectlError
from hack.demo.own_cluster import require_alone, require_fit
from hack.demo.parts import Parts
from hack.demo.watch import PartEndedError, PartsWatch
from hack.prepare.surroundings import end_by_exit, settle
from hack.side_by_side import Side, SideFailedError
from hack.side_by_side import run as run_beside
from publishbuild.cli.views.styled import stacked, styled

NAMESPACE = "publishbuild-demo"
STATE = ROOT / ".cluster"
BUILDS_SECONDS = 300
BUILT = ("operator", "standins", "redis")

console = Console(highlight=False)


def main() -> int:
    """0 if both builds ended as they should, 1 if not, 2 if something is missing or failed."""
    arguments = arguments_of(sys.argv[1:])
    settle()
    end_by_exit()
    try:
        demo = _Demo(arguments, Parts(console, arguments.began or time.time()))
    except ClusterError as error:
        return _stopped(error)
    try:
        with demo.watch:
            code = demo.run()
    except (PartEndedError, KubectlError, HelmError, SideFailedError, subprocess.CalledProcessError) as error:
        # A command that failed since a part had ended only says that nobody answered.
        ended = demo.watch.ended()
        why = [] if ended else demo.why()
        demo.leave()
        demo.tell_what_stays()
        return _stopped(ended or error, why)
    except KeyboardInterrupt:
        demo.leave()
        demo.tell_what_stays()
        console.print("\nInterrupted. What was compiled and fetched is kept: the same command goes on from there.")
        return 128 + signal.SIGINT
    except BaseException:
        demo.leave()
        with contextlib.suppress(OSError):  # the terminal may be gone
            demo.tell_what_stays()
        raise
    why = demo.why() if code else []
    demo.leave()
    word = "[green]As it should[/]" if code == 0 else "[red]Not as it should[/]"
    console.print(f"\n{word}, after {demo.parts.summary()}", soft_wrap=True)
    demo.next_commands()
    for line in why:
        _say(line)
    return code


def _stopped(reason: object, why: Sequence[str] = ()) -> int:
    """The reason is the last thing on the screen."""
    _say("\n".join((f"\nThe demo stopped. {reason}", *why)), style="red")
    return 2


def _say(text: str, style: str = "") -> None:
    """Lines of others' words: they say nothing that rich or the terminal would obey."""
    console.print(stacked(styled(line, style=style) for line in text.split("\n")), soft_wrap=True)


class _Demo:
    def __init__(self, arguments: argparse.Namespace, parts: Parts) -> None:
        self._context: str | None = arguments.context
        self._images = DemoImages.of(arguments.registry)
        self.parts = parts
        self._installed: Kubectl | None = None
        self._cluster = Side("cluster", ("hack.cluster", "up", "--state", str(STATE)))
        self.watch = PartsWatch(State(STATE), lambda: self._cluster.ended_well)
        # A cluster that was up before the demo stays up after it.
        self._was_up = not self._context and lifecycle.is_up(State.at(STATE))
        self._stays = arguments.keep or self._was_up or bool(self._context)

    def run(self) -> int:
        """0 if both builds ended as they should, 1 if not."""
        self.parts.add("preparation", time.time() - self.parts.began)
        kubectl = self._elsewhere(self._context) if self._context else self._here()
        with self.parts.part(
            "chart", "helm install: CRD, operator and Redis; beside them, stand-ins for EAS and a git server"
        ):
            self._installed = kubectl
            # Two at once, so that the limit is seen at work when more are applied.
            install.install(kubectl, {"settings": {"maxConcurrent": 2}}, self._images)
            install.wait_for_queue(kubectl)
        with self.parts.part(
            "builds", "kubectl apply -f examples/, with a stand-in for EAS: nothing leaves the cluster"
        ):
            install.apply_examples(kubectl)
            ended = show.follow(console, lambda: _builds(kubectl), seconds=BUILDS_SECONDS)
        show.summary(console, ended)
        counts = verdict.standin_counts(kubectl)
        told = f"The stand-in EAS was asked for {counts['builds']} builds and {counts['submissions']} submissions."
        console.print(f"\n{told}")
        return 0 if verdict.is_good(ended, counts) else 1

    def _here(self) -> Kubectl:
        console.print(
            "[bold]·[/] starts a Kubernetes on this machine, and builds the images beside it (minutes, the first time)",
            soft_wrap=True,
        )
        os.environ.update(past_proxies(os.environ))  # kubectl and helm ask the cluster itself
        only = [part for image in BUILT for part in ("--only", image)]
        images = Side("images", ("hack.images", "build", *only))
        run_beside([self._cluster, images], console)
        for side in (self._cluster, images):
            self.parts.add(side.name, side.seconds)
        with self.parts.part("loading", "loads the images onto the node"):
            load = ("load", "--state", str(STATE), *images.printed.splitlines())
            subprocess.run([sys.executable, "-m", "hack.cluster", *load], cwd=ROOT, check=True)
        kubectl = Kubectl(NAMESPACE, kubeconfig=STATE / "kubeconfig")
        if self._was_up:  # and the chart may be installed there for all namespaces, as the README shows
            require_alone(kubectl)
        return kubectl

    def _elsewhere(self, context: str) -> Kubectl:
        console.print(styled(("·", "bold"), f" uses the context {context} of your own kubeconfig"), soft_wrap=True)
        kubectl = Kubectl(NAMESPACE, context=context)
        require_fit(kubectl, self._images)
        return kubectl

    def leave(self) -> None:
        """Stop what the demo started, unless it shall stay."""
        if not self._stays:
            down = [sys.executable, "-m", "hack.cluster", "down", "--state", str(STATE)]
            subprocess.run(down, cwd=ROOT, check=False)

    def next_commands(self) -> None:
        """Three commands to try next, each with what it shows."""
        if self._stays:
            where = f"--context {shlex.quote(self._context)}" if self._context else "--kubeconfig .cluster/kubeconfig"
            rows = [
                (f".venv/bin/publishbuild {verb} {where} -n {NAMESPACE}", what)
                for verb, what in (
                    ("why errored", "what went wrong, and what to do"),
                    ("logs published", "what the runner did"),
                    ("retry errored --watch", "the same build again, live; it fails again, as it should"),
                )
            ]
        else:
            rows = [
                ("make demo KEEP=1", "the same, left up to look around"),
                ("cat docs/quickstart.md", "your own app, on a cluster of your own"),
                ("make test", "all tests, in 20 minutes"),
            ]
        console.print("\nTry next:")
        for row in rows:
            _say("  " + "   # ".join(row))
        self.tell_what_stays()

    def tell_what_stays(self) -> None:
        """How to remove what this demo leaves, on the machine or on a cluster of the user's own."""
        if self._context and self._installed:
            _say(f"\n{remains.told(self._installed)}")
        elif self._stays and not self._context and lifecycle.is_up(State.at(STATE)):
            console.print("All of it stays up; remove it with: make cluster-down")

    def why(self) -> list[str]:
        """What the namespace says about what did not start, where it was come to that."""
        if not self._installed:
            return []
        told = troubles.troubles(self._installed)
        return [f"What the namespace says ({troubles.command(self._installed)}):", *told] if told else []


def _builds(kubectl: Kubectl) -> list[show.Object]:
    found = {build["metadata"]["name"]: build for build in kubectl.get("publishbuilds")["items"]}
    return [found[name] for name in verdict.WANTED if name in found]


if __name__ == "__main__":
    sys.exit(main())
