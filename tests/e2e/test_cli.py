"""`publishbuild` on the real node: logs of real pods, a build that lacks its Secret, and the checks of `doctor`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hack.demo.kubectl import Kubectl
from tests.e2e.conftest import NAMESPACE, STATE, Publish
from tests.support.cli import Cli, in_namespace
from tests.support.kube import Kube
from tests.support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.fixture
def cli(kubectl: Kubectl, tmp_path: Path) -> Iterator[Cli]:
    """The command of a user of the tests' namespace."""
    made = Cli(in_namespace(STATE / "kubeconfig", kubectl.namespace, tmp_path / "kubeconfig"), tmp_path)
    yield made
    made.end()


def test_the_log_is_followed_from_before_the_pod_to_the_end(kube: Kube, publish: Publish, cli: Cli) -> None:
    """`logs -f` waits for the pod, tells what the runner writes as people read it, and ends with the links to EAS."""
    kube.kubectl_apply(publish("followed", platform="android", suspend=True))
    kube.wait_phase("followed", "Suspended")
    following = cli.start("logs", "followed", "-f")
    assert following.stderr is not None
    assert following.stderr.readline().startswith("followed Suspended")
    assert cli("resume", "followed").returncode == 0
    told, _ = following.communicate(timeout=240)
    lines = told.splitlines()
    assert following.returncode == 0
    assert lines[0].startswith("==> attempt 1, pod pb-followed-")
    assert any("source is checked out" in line for line in lines)
    assert not any(line.startswith(("{", "::publishbuild-progress::")) for line in lines)
    [remote] = kube.build("followed")["status"]["builds"]
    assert "==> on EAS <==" in lines
    assert any(remote["logsURL"] in line for line in lines)
    assert cli("logs", "followed").stdout == told


def test_watch_tells_the_way_and_ends_with_the_build(kube: Kube, publish: Publish, cli: Cli) -> None:
    """Without a terminal each change is a line, up to the end of the build, which is the exit code."""
    kube.kubectl_apply(publish("watched", platform="android"))
    done = cli("watch", "watched", seconds=240)
    assert done.returncode == 0
    assert "watched Running" in done.stdout
    assert "watched Succeeded" in done.stdout.splitlines()[-1]


NO_SUCH_REVISION = {"git": {"url": f"https://standins.{NAMESPACE}.svc:8443/example-app.git", "revision": "v99"}}
EXITS = [
    pytest.param({}, (), None, 0, "exits Succeeded", id="0, succeeded"),
    pytest.param({"source": NO_SUCH_REVISION}, (), None, 2, "exits Failed", id="2, failed"),
    pytest.param({"suspend": True}, (), ("publishbuild", "cancel"), 3, "exits Cancelled", id="3, cancelled"),
    pytest.param({"suspend": True}, ("--timeout", "2s"), None, 4, "has not ended within 2s", id="4, too late"),
    pytest.param({"suspend": True}, (), ("kubectl", "delete", "pb"), 1, "was deleted", id="1, cannot tell"),
]


@pytest.mark.parametrize(("spec", "options", "meanwhile", "code", "said"), EXITS)
def test_the_exit_code_of_submit_is_the_builds(
    kube: Kube,
    publish: Publish,
    cli: Cli,
    spec: dict[str, Any],
    options: tuple[str, ...],
    meanwhile: tuple[str, ...] | None,
    code: int,
    said: str,
) -> None:
    """`submit --wait` ends with 0, 2, 3, 4 or 1, by what became of the build, and says it in words."""
    (cli.folder / "build.json").write_text(json.dumps(publish("exits", platform="android", **spec)))
    waiting = cli.start("submit", "-f", "build.json", "--wait", *options)
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == "publishbuild.publishbuild.dev/exits created\n"
    if meanwhile:
        program, *verb = meanwhile
        kube.wait_phase("exits", "Suspended")
        (kube.kubectl if program == "kubectl" else cli)(*verb, "exits")
    _, told = waiting.communicate(timeout=240)
    assert waiting.returncode == code, told
    assert said in told


def test_a_missing_secret_is_told_with_the_command_that_makes_it(kube: Kube, publish: Publish, cli: Cli) -> None:
    """A pod that waits for a Secret is explained, and with the Secret the build goes on by itself."""
    name = "expo-of-why"
    kube.kubectl("delete", "secret", name, "--ignore-not-found")
    kube.kubectl_apply(publish("waits", platform="android", credentialsSecretRef={"name": name}))
    until(
        lambda: "CreateContainerConfigError" in json.dumps(kube.build("waits").get("status", {})),
        seconds=120,
        what="the kubelet says so",
    )
    told = cli("why", "waits").stdout
    assert told.startswith("waits cannot start: a Secret or a key that the pod needs is missing.")
    assert f"kubectl create secret generic {name} -n {NAMESPACE} --from-literal=EXPO_TOKEN=…" in told
    secret = json.loads(kube.kubectl("get", "secret", "expo", "-o", "json").stdout)
    kube.kubectl_apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": secret["data"]})
    kube.wait_phase("waits", "Succeeded", seconds=240)
    kube.kubectl("delete", "secret", name)


def test_doctor_finds_nothing_wrong_with_the_chart(kube: Kube, publish: Publish, cli: Cli) -> None:
    """After a build, an installation by the chart has good marks for all but what a test cluster leaves out."""
    kube.kubectl_apply(publish("ran", platform="android"))
    kube.wait_phase("ran", "Succeeded", seconds=240)
    done = cli("doctor", "--operator-namespace", NAMESPACE, "-o", "json")
    marks = {check["what"]: check["mark"] for check in json.loads(done.stdout)["checks"]}
    assert done.returncode == 0, marks
    wanted = ("API server", "PublishBuild CRD", "your rights", "operator", "leader", "queue and Redis", "runner image")
    assert {what: marks[what] for what in wanted} == dict.fromkeys(wanted, "good")
