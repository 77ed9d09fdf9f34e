"""What the documentation tells a reader to run works, as it stands, with the real operator."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cluster import KUBECTL, ROOT
from tests.support.fixtures import StartOperator
from tests.support.kube import Kube
from tests.support.operator_process import OperatorProcess
from tests.support.runnable_blocks import SavedFile, steps_of
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

PAGES = sorted(page.name for page in (ROOT / "docs").glob("*.md") if "<!-- run -->" in page.read_text())
# The namespace of all examples; each test has one of its own in its place.
NAMESPACE = re.compile(r"\bmobile\b")


@pytest.mark.parametrize("name", PAGES)
def test_a_reader_can_run_what_the_page_says(
    name: str, kube: Kube, start_operator: StartOperator, tmp_path: Path
) -> None:
    """Every marked command of the page ends well, in order, and prints what the page shows."""
    operator = start_operator()
    folder = tmp_path / "reader"
    folder.mkdir()
    kubeconfig = tmp_path / "kubeconfig"
    shutil.copy(kube.kubeconfig, kubeconfig)
    # Where a page does not choose a namespace, it must not be one that others use.
    _run(f"kubectl config set-context --current --namespace={kube.namespace}", folder, kubeconfig).check_returncode()
    page = NAMESPACE.sub(kube.namespace, (ROOT / "docs" / name).read_text())
    for step in steps_of(page):
        if isinstance(step, SavedFile):
            (folder / step.name).write_text(step.text)
            continue
        ran = _run(step.text, folder, kubeconfig)
        assert ran.returncode == 0, f"{step.text}\n{ran.stdout}"
        missing = step.missing(ran.stdout)
        assert missing is None, f"{step.text}\nshown: {missing}\nprinted: {ran.stdout}"
        if "paused=true" in step.text:
            _wait_for_a_look(operator)


def _wait_for_a_look(operator: OperatorProcess) -> None:
    """Until the operator has asked for its namespaces twice: it may not watch them, and one answer may be older."""

    def looks() -> float:
        return operator.metric('publishbuild_api_requests_total{code="200",resource="namespaces",verb="get"}')

    before = looks()
    until(lambda: looks() >= before + 2, seconds=30, what="the operator looks for pauses")


def _run(command: str, folder: Path, kubeconfig: Path) -> subprocess.CompletedProcess[str]:
    programs = (str(KUBECTL.parent), str(Path(sys.executable).parent), os.environ["PATH"])
    environment = {
        **os.environ,
        "PATH": os.pathsep.join(programs),
        "KUBECONFIG": str(kubeconfig),
        "HOME": str(folder),
        "EXPO_TOKEN": "pretended",
    }
    return subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", command],
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )
