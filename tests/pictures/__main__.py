"""``make pictures``: what the command shows, recorded from real runs with the real operator on the kwok cluster."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from typing import Any

import yaml
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from publishbuild.runner.result import FailureResult, RunResult
from tests.pictures.reports import COMMIT, eas_build, report
from tests.support.cli import Cli, in_namespace
from tests.support.cluster import KUBECTL, ROOT, kwok_kubeconfig
from tests.support.exposed import expose, own_address
from tests.support.kube import Kube
from tests.support.manifests import a_manifest
from tests.support.operator_process import OperatorProcess
from tests.support.rig import Rig
from tests.support.terminal import COLUMNS

PICTURES = ROOT / "docs" / "pictures"
NAMESPACE = "acme-shop"
BUILD_SECONDS = 45
# Without a font from elsewhere: a page should not ask another site for it.
_FORMAT = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def draw(name: str, command: str, shown: Text) -> None:
    """Write the picture of ``command`` and what it has ``shown``."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.assemble(("$ ", "green"), (command, "bold")))
    console.print(shown)
    svg = console.export_svg(title="publishbuild", code_format=_FORMAT, unique_id=f"publishbuild-{name}")
    file = PICTURES / f"{name}.svg"
    file.write_text(svg)
    sys.stdout.write(f"{file.relative_to(ROOT)}\n")


def build(name: str, **fields: Any) -> dict[str, Any]:
    return a_manifest(name, **fields)


def submit(cli: Cli, kube: Kube, operator: OperatorProcess) -> None:
    """`submit --watch`, while one platform waits at EAS and the other is built."""
    manifest = build("shop-9d3f0a8", outcome="hold", platform="all")
    (cli.folder / "shop.yaml").write_text(yaml.safe_dump(manifest))
    with cli.on_terminal("submit", "-f", "shop.yaml", "--watch") as terminal:
        terminal.until("Running")
        ios, android = eas_build("ios", "IN_QUEUE"), eas_build("android", "IN_PROGRESS")
        message = (
            f"ios build {ios.id} is IN_QUEUE at EAS, position 3, about 5 min;"
            f" android build {android.id} is IN_PROGRESS at EAS"
        )
        report(kube, operator, "shop-9d3f0a8", RunResult(commit=COMMIT, builds=(ios, android), message=message))
        terminal.until("position 3, about 5 min", "● build")
        draw("submit-watch", "publishbuild submit -f shop.yaml --watch", terminal.styled())
        terminal.interrupt()
        terminal.wait_ended()


def queue(cli: Cli, kube: Kube) -> None:
    """`queue`, with all places taken and a build that is held by its key."""
    kube.apply(
        build("shop-beta-51c2e0d", outcome="hold", concurrencyKey="beta"),
        build("shop-hotfix-77ab012", outcome="hold", priority=100),
        build("shop-beta-8e1f9aa", outcome="hold", concurrencyKey="beta"),
        build("shop-preview-03dd41b", outcome="hold", profile="preview", platform="ios"),
    )
    for name in ("shop-beta-51c2e0d", "shop-hotfix-77ab012", "shop-beta-8e1f9aa", "shop-preview-03dd41b"):
        kube.wait_phase(name, "Queued", "Running", seconds=60)
    with cli.on_terminal("queue") as terminal:
        terminal.wait_ended()
        draw("queue", "publishbuild queue", terminal.styled())


def why(cli: Cli, kube: Kube) -> None:
    """`why` of a build that failed on EAS; another one succeeds, and both tell the queue how long builds take."""
    broken = "the ios build 7c1f20e4 ended ERRORED, XCODE_BUILD_ERROR: Xcode build failed"
    message = RunResult(
        commit=COMMIT,
        builds=(eas_build("ios", "ERRORED"),),
        failure=FailureResult(reason="BuildErrored", message=broken),
        log_tail="step step=PollBuild platform=ios build=7c1f20e4 build_status=ERRORED",
    ).to_message()
    how = {"exit-code": 64, "message": message}
    kube.apply(
        build("shop-1f00d1e", outcome="fail", seconds=BUILD_SECONDS, pod=how, platform="ios"),
        build("shop-e2a9c07", seconds=BUILD_SECONDS),
    )
    kube.wait_all_ended(2, seconds=BUILD_SECONDS + 60)
    with cli.on_terminal("why", "shop-1f00d1e") as terminal:
        terminal.wait_ended()
        draw("why", "publishbuild why shop-1f00d1e", terminal.styled())


def main() -> None:
    """Record all pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    # That of a run before may still be going.
    gone = Kube(kwok_kubeconfig(), KUBECTL, NAMESPACE)
    gone.kubectl("wait", "--for=delete", f"namespace/{NAMESPACE}", "--timeout=60s")
    gone.close()
    with Rig("pictures", names=(NAMESPACE,)) as rig:
        kube, operator = rig.kube, rig.operator(max_concurrent=2)
        folder = Path(rig.folder)
        cli = Cli(in_namespace(rig.kubeconfig, NAMESPACE, folder / "kubeconfig"), folder)
        address = own_address()
        if address is None:
            sys.exit("pictures: this machine has no address but the loopback's, which the API server's proxy refuses")
        expose(kube, operator.port, address)
        why(cli, kube)
        submit(cli, kube, operator)
        queue(cli, kube)


if __name__ == "__main__":
    main()
