"""What happens to be exported in a shell turns the commands to no other cluster, repository or folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from hack.demo.helm import Helm
from hack.demo.kubectl import Kubectl

ROOT = Path(__file__).resolve().parents[3]


def printed_environment(folder: Path, name: str) -> None:
    """A program ``name`` on PATH that prints its environment, then whatever is on its standard input."""
    made = folder / name
    made.write_text("#!/bin/sh\nenv -0 | tr '\\0' '\\n'; echo; echo \"input: $(cat)\"\n")
    made.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("kubectl", "helm"):
        printed_environment(tmp_path, name)
        monkeypatch.setattr(f"hack.demo.{name}.ROOT", tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")


@pytest.mark.usefixtures("programs")
def test_helm_goes_where_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of helm's own chooses another API server, token, namespace or store than the one that is named."""
    for name in ("HELM_KUBEAPISERVER", "HELM_KUBETOKEN", "HELM_KUBECAFILE", "HELM_DRIVER", "HELM_NAMESPACE"):
        monkeypatch.setenv(name, "elsewhere")
    assert "elsewhere" not in Helm(Kubectl("here"))("version")


@pytest.mark.usefixtures("programs")
def test_kubectl_asks_nobody() -> None:
    """A user's kuberc, which can make kubectl ask before it deletes, is not in force; no terminal is read."""
    said = Kubectl("here")("delete", "pod", "x")
    assert "KUBECTL_KUBERC=false" in said
    assert said.endswith("input: \n")


def make(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", "-n", *words],
        cwd=ROOT,
        env={**os.environ, **environment},
        text=True,
        capture_output=True,
        check=True,
    )


def test_the_cluster_is_chosen_on_the_command_line() -> None:
    """An exported CONTEXT or REGISTRY installs nothing on a cluster of the user's own; the word after make does."""
    assert "prod" not in make("demo", CONTEXT="prod", REGISTRY="prod.example").stdout
    assert "prod" in make("demo", "CONTEXT=prod").stdout


@pytest.mark.parametrize("variable", ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "CDPATH"])
def test_a_hook_that_calls_make_keeps_its_repository(variable: str, tmp_path: Path) -> None:
    """What git sets for its hooks, and a search path for cd, reach no program that make starts."""
    made = tmp_path / "Makefile"
    made.write_text(f"include {ROOT / 'Makefile'}\nshown: ; @env\n")
    environment = {**os.environ, variable: "/elsewhere"}
    command = ["make", "-f", str(made), "shown"]
    shown = subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True, check=True).stdout
    assert f"{variable}=" not in shown


def test_tests_have_no_repository_but_their_own() -> None:
    """Tests that call git work in their own folders, also where a hook of another repository started them."""
    assert not {name for name in os.environ if name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")}


@pytest.mark.parametrize("script", ["check.sh", "test.sh", "test_on_kwok.sh", "test_on_node.sh"])
def test_a_search_path_for_cd_leads_no_script_away(script: str, tmp_path: Path) -> None:
    """A folder of the same name on CDPATH is not entered in place of the project's own."""
    text = (ROOT / "hack" / script).read_text()
    [first] = [line for line in text.splitlines() if "cd " in line and "dirname" in line][:1]
    here = tmp_path / "here" / "hack"
    elsewhere = tmp_path / "elsewhere" / "hack"
    for folder in (here, elsewhere):
        folder.mkdir(parents=True)
    (here / script).write_text(f"{first}\npwd\n")
    bash = shutil.which("bash")
    assert bash
    environment = {**os.environ, "CDPATH": str(elsewhere.parent)}
    done = subprocess.run(
        [bash, f"hack/{script}"], cwd=here.parent, env=environment, text=True, capture_output=True, check=True
    )
    assert done.stdout.strip() == str(here.parent)
