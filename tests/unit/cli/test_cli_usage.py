"""The command before it meets a cluster: usage, files, exit codes, and what it loads."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
import typer

from publishbuild.cli.main import app
from publishbuild.cli.manifest_file import read_manifest
from publishbuild.cli.options import plain_name
from publishbuild.cli.spec_options import parse_labels

GOOD = "apiVersion: publishbuild.dev/v1alpha1\nkind: PublishBuild\nmetadata: {name: app}\nspec: {}\n"


@dataclass(frozen=True)
class Done:
    """What a call left behind."""

    code: int
    stdout: str
    stderr: str


class Invoke(Protocol):
    """Runs the command in this process."""

    def __call__(self, *arguments: str) -> Done: ...


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Invoke:
    """The command, for a user whose home is empty."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)

    def call(*arguments: str) -> Done:
        with pytest.raises(SystemExit) as ended:
            app(list(arguments), prog_name="publishbuild")
        written = capsys.readouterr()
        return Done(int(ended.value.code or 0), written.out, written.err)

    return call


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lsit"], "No such command 'lsit'. Did you mean 'list'"),
        (["list", "--colour"], "No such option: --colour"),
        (["list", "--phase", "Nearly"], "'Nearly' is not one of 'Queued', 'Suspended', 'Running'"),
        (["list", "-w", "-o", "json"], "--watch shows lines: it cannot be had with --output json"),
        (["cancel"], "Missing argument 'NAME...'"),
        (["cancel", "Shop"], "'Shop' is no name of a build: lower case letters, digits, '-' and '.'"),
        (["retry", "secret/app"], "'secret/app' is no name of a build"),
        (["submit", "--run-timeout", "soon"], "'soon' is no duration: write 90s, 45m, 2h, 1h30m or 1d"),
        (["submit", "--git-url", "x", "--label", "app"], "Invalid value for --label: 'app' must be KEY=VALUE"),
        (["pause", "-A", "-n", "shop"], "--namespace and --all-namespaces: name one of the two"),
    ],
)
def test_usage_errors_are_one_line_and_exit_code_1(invoke: Invoke, arguments: list[str], said: str) -> None:
    """A wrong command line is told in one line that names what is wrong and what is allowed; 2 means a failed build."""
    done = invoke(*arguments)
    assert (done.code, done.stdout) == (1, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_a_kubeconfig_one_line_says_so(invoke: Invoke, tmp_path: Path) -> None:
    """Without any cluster to be found the command names the file that it looked for, and how to name another."""
    done = invoke("list")
    assert (done.code, done.stdout) == (1, "")
    place = tmp_path / ".kube" / "config"
    assert done.stderr == (
        f"publishbuild: there is no kubeconfig {place} (set KUBECONFIG, or name a file with --kubeconfig)\n"
    )


def test_a_context_that_is_not_there_is_named(invoke: Invoke, tmp_path: Path) -> None:
    """A wrong --context is told with the file in which it was looked for."""
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps({"current-context": "", "contexts": [], "clusters": [], "users": []}))
    done = invoke("list", "--kubeconfig", str(file), "--context", "staging")
    assert done.code == 1
    assert "staging" in done.stderr
    assert str(file) in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_cluster_that_is_not_up_is_named(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An API server that does not answer is told with its address."""
    file = tmp_path / "kubeconfig"
    contexts = [{"name": "a", "context": {"cluster": "a"}}]
    clusters = [{"name": "a", "cluster": {"server": "http://127.0.0.1:1"}}]
    file.write_text(json.dumps({"current-context": "a", "contexts": contexts, "clusters": clusters, "users": []}))
    monkeypatch.setenv("KUBECONFIG", str(file))
    done = invoke("list")
    assert done.code == 1
    assert "no answer from the API server http://127.0.0.1:1" in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_help_of_each_verb_has_examples(invoke: Invoke) -> None:
    """Whoever asks for help sees at least one whole command line."""
    for verb in ("submit", "list", "queue", "cancel", "retry", "suspend", "resume", "pause", "unpause"):
        done = invoke(verb, "--help")
        assert done.code == 0
        assert f"  publishbuild {verb}" in done.stdout.partition("Examples:")[2], verb


def test_help_loads_no_kubernetes_client() -> None:
    """`publishbuild --help` and completion of verbs stay quick: nothing heavy is loaded before a cluster is asked."""
    heavy = ("kubernetes", "aiohttp", "pydantic", "kopf", "redis", "yaml")
    code = f"import sys, publishbuild.cli.main; print([name for name in {heavy!r} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True, timeout=60).strip() == "[]"


def test_without_the_extra_one_line_says_how_to_install_it() -> None:
    """Where the Kubernetes client is not installed the verbs that need it name the extra."""
    code = "import sys; sys.modules['kubernetes'] = None; from publishbuild.cli.main import app; app(['list'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr == "publishbuild: kubernetes is missing: pip install 'publishbuild-operator[client]'\n"


class TestFiles:
    def test_a_manifest_is_read(self, tmp_path: Path) -> None:
        """One PublishBuild in YAML is taken, also between empty documents."""
        file = tmp_path / "build.yaml"
        file.write_text(f"---\n{GOOD}---\n")
        assert read_manifest(str(file))["metadata"] == {"name": "app"}

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "holds 0 objects"),
            (f"{GOOD}---\n{GOOD}", "holds 2 objects: submit takes one, `kubectl apply -f` takes many"),
            ("a: [", "is no YAML"),
            ("just text", "holds apiVersion None: must be 'publishbuild.dev/v1alpha1'"),
            (GOOD.replace("v1alpha1", "v9"), "holds apiVersion 'publishbuild.dev/v9'"),
            (GOOD.replace("kind: PublishBuild", "kind: Job"), "holds kind 'Job': must be 'PublishBuild'"),
            (GOOD.replace("spec: {}", "spec: 3"), "spec must be an object"),
        ],
    )
    def test_anything_else_is_refused(self, tmp_path: Path, text: str, said: str) -> None:
        """What is not one PublishBuild is refused with the file's name and what is wrong."""
        file = tmp_path / "build.yaml"
        file.write_text(text)
        with pytest.raises(typer.BadParameter, match=r"build\.yaml") as caught:
            read_manifest(str(file))
        assert said in str(caught.value.message)

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        """A missing file is named."""
        with pytest.raises(typer.BadParameter, match="No such file"):
            read_manifest(str(tmp_path / "none.yaml"))


def test_names_are_taken_as_list_and_kubectl_write_them() -> None:
    """`list -o name | xargs publishbuild cancel` works, and so does what kubectl prints."""
    for text in ("app", "pb/app", "publishbuild/app", "publishbuild.publishbuild.dev/app"):
        assert plain_name(text) == "app"


def test_labels() -> None:
    """KEY=VALUE, where the value may be empty or hold further equals signs."""
    assert parse_labels(["app=shop", "a=", "b=c=d"]) == {"app": "shop", "a": "", "b": "c=d"}
