"""`publishbuild queue`, `list`, `pause` and `unpause`: what waits, why, until when."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import Cli, in_namespace
from tests.support.exposed import expose, own_address
from tests.support.fixtures import Manifest, StartOperator
from tests.support.kube import Kube
from tests.support.waiting import until
from tests.support.warm import WarmServer

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

RULES = {
    "builds": ("get,list,watch,create,patch", "publishbuilds.publishbuild.dev"),
    "proxy": ("get", "services/proxy"),
}

Exposed = Callable[..., None]
UserWith = Callable[..., Cli]


@pytest.fixture
def exposed_operator(kube: Kube, start_operator: StartOperator) -> Exposed:
    """Starts an operator whose queue can be read through the API server."""

    def start(**settings: Any) -> None:
        address = own_address()
        if address is None:
            pytest.skip("this machine has no address but the loopback's, which a Service cannot lead to")
        expose(kube, start_operator(**settings).port, address)

    return start


@pytest.fixture
def user_with(kube: Kube, warm: WarmServer, tmp_path: Path) -> UserWith:
    """Makes users with the named ones of RULES in the test's namespace, and nothing else."""

    def make(*rules: str) -> Cli:
        name = "-".join(("user", *rules))
        kube.kubectl("create", "serviceaccount", name)
        for rule in rules:
            verbs, resource = RULES[rule]
            kube.kubectl("create", "role", f"{name}-{rule}", f"--verb={verbs}", f"--resource={resource}")
            binding = (f"--role={name}-{rule}", f"--serviceaccount={kube.namespace}:{name}")
            kube.kubectl("create", "rolebinding", f"{name}-{rule}", *binding)
        token = kube.kubectl("create", "token", name).stdout.strip()
        file = in_namespace(kube.kubeconfig, kube.namespace, tmp_path / name, token=token)
        return Cli(file, tmp_path, warm)

    return make


def fill(kube: Kube, manifest: Manifest) -> None:
    """``running`` has the one place; ``first`` and ``second`` wait for it, in this order; ``done`` was before."""
    kube.apply(manifest("done"))
    kube.wait_phase("done", "Succeeded")
    kube.apply(manifest("running", outcome="hold"))
    kube.wait_phase("running", "Running")
    kube.apply(manifest("second"))
    kube.apply(manifest("first", priority=7))
    for name, position in (("first", 1), ("second", 2)):
        wait_position(kube, name, position)


def wait_position(kube: Kube, name: str, position: int) -> None:
    until(lambda: queue_of(kube, name).get("position") == position, seconds=30, what=f"{name} is number {position}")


def queue_of(kube: Kube, name: str) -> dict[str, Any]:
    """What the build's status says of its place."""
    return kube.build(name).get("status", {}).get("queue") or {}


def cells(table: str) -> list[list[str]]:
    """The rows of a table, heading and all."""
    lines = table.splitlines()
    starts = [0] + [at for at in range(1, len(lines[0])) if lines[0][at] != " " and lines[0][at - 1] == " "]
    spans = list(zip(starts, [*starts[1:], None], strict=True))
    return [[line[start:end].strip() for start, end in spans] for line in lines]


class TestQueue:
    def test_the_exact_order(self, cli: Cli, kube: Kube, exposed_operator: Exposed, manifest: Manifest) -> None:
        """What waits is shown in the operator's order, with why it waits and when it should start."""
        exposed_operator(max_concurrent=1)
        fill(kube, manifest)
        done = cli("queue", "--operator-namespace", kube.namespace)
        assert done.returncode == 0, done.stderr
        heading, *rows = cells(done.stdout)
        assert heading == ["POSITION", "NAMESPACE", "NAME", "PRIORITY", "REASON", "ETA", "AGE"]
        assert [row[:5] for row in rows] == [
            ["1", kube.namespace, "first", "7", "GlobalLimit"],
            ["2", kube.namespace, "second", "0", "GlobalLimit"],
        ]
        assert all(row[5] == "now" or row[5].startswith("in ") for row in rows)
        assert done.stderr == "1 of 1 places taken\n"

    def test_json_for_scripts(self, cli: Cli, kube: Kube, exposed_operator: Exposed, manifest: Manifest) -> None:
        """-o json has the same, with times as times."""
        exposed_operator(max_concurrent=1)
        fill(kube, manifest)
        said = json.loads(cli("queue", "-o", "json", "--operator-namespace", kube.namespace).stdout)
        assert (said["source"], said["limit"], said["running"], said["redis"]) == ("operator", 1, 1, "up")
        assert [entry["name"] for entry in said["waiting"]] == ["first", "second"]
        assert all("T" in entry["eta"] for entry in said["waiting"])

    def test_builds_of_others_are_only_counted(
        self, cli: Cli, kube: Kube, exposed_operator: Exposed, manifest: Manifest, user_with: UserWith
    ) -> None:
        """Who asks for one namespace learns how many of others wait before and behind, and no name."""
        exposed_operator(max_concurrent=1)
        fill(kube, manifest)
        ask = ("queue", "--operator-namespace", kube.namespace)
        own = user_with("builds", "proxy")(*ask)
        assert [row[2] for row in cells(own.stdout)[1:]] == ["first", "second"]
        assert own.stderr == "1 of 1 places taken\n"
        hidden = cells(cli(*ask, "--namespace", "default").stdout)
        assert [row[:3] for row in hidden[1:]] == [["1-2", "(another namespace)", "2 builds"]]

    def test_without_the_right_the_statuses_are_shown(
        self, kube: Kube, exposed_operator: Exposed, manifest: Manifest, user_with: UserWith
    ) -> None:
        """Who may not ask the operator sees what the builds' statuses say, and is told so."""
        exposed_operator(max_concurrent=1)
        fill(kube, manifest)
        done = user_with("builds")("queue", "--operator-namespace", kube.namespace)
        assert done.returncode == 0
        assert [row[:3] for row in cells(done.stdout)[1:]] == [
            ["1", kube.namespace, "first"],
            ["2", kube.namespace, "second"],
        ]
        assert done.stderr.startswith("the exact queue cannot be read, so the builds' own statuses are shown: ")

    def test_nothing_waits(self, cli: Cli, kube: Kube, exposed_operator: Exposed) -> None:
        """An empty queue is said, and is no error."""
        exposed_operator()
        done = cli("queue", "--operator-namespace", kube.namespace)
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr.splitlines()[0] == "nothing waits"


class TestList:
    def test_the_columns_of_kubectl_and_when_each_starts(
        self, cli: Cli, kube: Kube, exposed_operator: Exposed, manifest: Manifest
    ) -> None:
        """The table is `kubectl get pb`'s, with the exact position and the start of what waits."""
        exposed_operator(max_concurrent=1)
        fill(kube, manifest)
        heading, *rows = cells(cli("list", "--operator-namespace", kube.namespace).stdout)
        assert heading == ["NAME", "PHASE", "POSITION", "ETA", "PLATFORM", "PROFILE", "ATTEMPTS", "REASON", "AGE"]
        by_name = {row[0]: row for row in rows}
        assert by_name["first"][1:3] == ["Queued", "1"]
        assert by_name["first"][3] == "now" or by_name["first"][3].startswith("in ")
        assert by_name["done"][1:4] == ["Succeeded", "", ""]

    def test_choices(self, cli: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest) -> None:
        """Phases, labels, all namespaces and each form can be asked for; nothing found is no error."""
        start_operator()
        labelled = manifest("labelled", suspend=True)
        labelled["metadata"]["labels"] = {"app": "shop"}
        kube.apply(labelled, manifest("done"))
        kube.wait_phase("labelled", "Suspended")
        kube.wait_phase("done", "Succeeded")
        assert cli("list", "--phase", "Suspended", "-o", "name").stdout == "publishbuild.publishbuild.dev/labelled\n"
        assert cli("list", "-l", "app!=shop", "-o", "name").stdout == "publishbuild.publishbuild.dev/done\n"
        items = json.loads(cli("list", "-o", "json").stdout)["items"]
        assert sorted(item["metadata"]["name"] for item in items) == ["done", "labelled"]
        everywhere = cells(cli("list", "-A").stdout)
        assert [kube.namespace, "done"] in [row[:2] for row in everywhere]
        wide = cells(cli("list", "-o", "wide").stdout)
        assert wide[0][-4:] == ["COMMIT", "JOB", "STARTED", "FINISHED"]
        nothing = cli("list", "--phase", "Failed")
        assert (nothing.returncode, nothing.stdout) == (0, "")
        assert nothing.stderr == f"no such builds in namespace {kube.namespace}\n"

    def test_watch_goes_on_with_a_line_for_each_change(
        self, cli: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest
    ) -> None:
        """`list --watch` shows what is, and then each change, until it is stopped."""
        start_operator()
        watching = cli.start("list", "--watch")
        assert watching.stdout is not None
        try:
            assert watching.stdout.readline().startswith("NAME")
            kube.apply(manifest("app"))
            for line in watching.stdout:
                assert line.startswith("app ")
                if " Succeeded" in line:
                    break
        finally:
            watching.kill()
            watching.communicate()


class TestPause:
    def test_a_namespace_is_held_and_let_go(
        self, cli: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest
    ) -> None:
        """`pause` lets nothing of the namespace start and says how much it holds; `unpause` lets it go on."""
        start_operator(max_concurrent=1)
        self.fill(kube, manifest)
        assert cli("pause").stdout == f"namespace {kube.namespace} paused: 1 build held\n"
        self.wait_held(kube)
        assert cli("unpause").stdout == f"namespace {kube.namespace} unpaused: 1 build waiting\n"
        kube.wait_phase("app", "Succeeded")

    def test_all_namespaces_are_held_through_the_operators_own(
        self, cli: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest
    ) -> None:
        """`pause --all-namespaces` holds all that the operator watches."""
        start_operator(max_concurrent=1)
        self.fill(kube, manifest)
        everywhere = ("--all-namespaces", "--operator-namespace", kube.namespace)
        assert cli("pause", *everywhere).stdout.startswith("all namespaces paused: ")
        self.wait_held(kube)
        assert cli("unpause", *everywhere).stdout.startswith("all namespaces unpaused: ")
        kube.wait_phase("app", "Succeeded")

    def fill(self, kube: Kube, manifest: Manifest) -> None:
        """``running`` keeps ``app`` from starting before the pause is seen, which takes the operator a while."""
        kube.apply(manifest("running", outcome="hold"))
        kube.wait_phase("running", "Running")
        kube.apply(manifest("app"))

    def wait_held(self, kube: Kube) -> None:
        """``app`` waits for nothing but the pause."""
        until(lambda: queue_of(kube, "app").get("reason") == "QueuePaused", seconds=60, what="the pause is seen")
        kube.patch_spec("running", cancel=True)
        kube.wait_phase("running", "Cancelled")
        assert queue_of(kube, "app")["reason"] == "QueuePaused"

    def test_who_may_not_is_told(self, user_with: UserWith) -> None:
        """Without the right to patch namespaces one line says which right is missing."""
        done = user_with("builds")("pause")
        assert (done.returncode, done.stdout) == (1, "")
        assert 'cannot patch resource "namespaces"' in done.stderr
        assert done.stderr.count("\n") == 1
