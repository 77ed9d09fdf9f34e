"""The chart on a real node: installed with nothing but the images' names, all namespaces, Pod Security restricted."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess

import pytest

from hack.demo.helm import CHART, IMAGES, Helm, HelmError, merged
from hack.demo.kubectl import Kubectl
from hack.images.catalogue import OPERATOR as OPERATOR_IMAGE
from hack.images.catalogue import REDIS as REDIS_IMAGE
from hack.images.names import chart_names, in_full
from tests.e2e.chart_release import BUILDS, OPERATOR, RELEASE, SECONDS, a_build
from tests.e2e.conftest import STATE
from tests.support.kube import JobRecorder, Kube, Object
from tests.support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def operators(helm: Helm) -> list[Object]:
    """The operator's pods that are not on their way out."""
    listed = helm.kubectl.get("pods", "-l", "app.kubernetes.io/component=operator")["items"]
    return [pod for pod in listed if "deletionTimestamp" not in pod["metadata"]]


def password(helm: Helm) -> bytes:
    """Redis's."""
    return base64.b64decode(helm.kubectl.get("secret", f"{RELEASE}-redis")["data"]["password"])


def test_the_notes_can_be_pasted(installed: Helm) -> None:
    """The two commands that the notes print, pasted into a shell, run a first build to its success."""
    notes = installed("get", "notes", RELEASE)
    commands = re.findall(r"^kubectl .*(?:\n(?!\n|\d\.).*)*", notes, re.MULTILINE)
    assert len(commands) == 2
    environment = {**os.environ, "KUBECONFIG": str(STATE / "kubeconfig")}
    environment["PATH"] = f"{STATE / 'bin'}:{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-euc", "\n".join(commands)], env=environment, text=True, capture_output=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "condition met" in done.stdout


def test_helm_test_runs_a_real_build(installed: Helm) -> None:
    """`helm test` succeeds after a build that really ran, and leaves nothing behind."""
    said = installed("test", RELEASE, "--timeout", "240s")
    assert "Succeeded" in said
    assert installed.kubectl.get("publishbuilds", "-l", "app.kubernetes.io/component=test")["items"] == []


def test_no_value_is_needed_where_nodes_have_the_images(installed: Helm) -> None:
    """The local node has the images under the chart's own names: operator and Redis become ready without a value."""
    try:
        # Without --reset-values helm would keep those of the release before.
        installed("upgrade", RELEASE, str(CHART), "--reset-values", "--wait", f"--timeout={SECONDS}s")
        found = installed.kubectl.get("deployments,statefulsets", "-l", f"app.kubernetes.io/instance={RELEASE}")
        specs = [made["spec"]["template"]["spec"] for made in found["items"]]
        asked = {in_full(container["image"]) for spec in specs for container in spec["containers"]}
        assert asked == {chart_names()[image.name].name for image in (OPERATOR_IMAGE, REDIS_IMAGE)}
    finally:
        installed.install(IMAGES, seconds=SECONDS)


def test_helm_test_fails_where_no_build_can_run(installed: Helm) -> None:
    """`helm test` fails, and its pod says why, while the queue is paused; the next one cleans up after it."""
    pause = ("annotate", "namespace", OPERATOR, "--overwrite")
    installed.kubectl(*pause, "publishbuild.dev/paused=true")
    try:
        installed.install(merged(IMAGES, {"tests": {"timeoutSeconds": 10}}), seconds=SECONDS)
        with pytest.raises(HelmError):
            installed("test", RELEASE, "--timeout", "60s")
        assert "QueuePaused" in installed.kubectl("logs", f"{RELEASE}-test")
    finally:
        installed.kubectl(*pause, "publishbuild.dev/paused-")
        installed.install(IMAGES, seconds=SECONDS)
    installed("test", RELEASE, "--timeout", "240s")


def test_a_build_may_not_choose_its_service_account(installed: Helm, builds: Kube) -> None:
    """A build that names a service account is refused at apply with what is allowed and by whom, until it is listed."""
    mine = a_build("robot", runner={"serviceAccountName": "robot"})
    refused = builds.kubectl_apply(mine, check=False)
    assert "spec.runner.serviceAccountName: robot is not among default" in refused.stderr
    assert "runnerPolicy.serviceAccountNames" in refused.stderr
    listed = {"serviceAccountNames": ["robot"], "images": ["registry.example/mobile/"]}
    installed.install(merged(IMAGES, {"runnerPolicy": listed}), seconds=SECONDS)
    try:
        until(lambda: not builds.refusal(mine), seconds=30, what="the new policy is in force")
        other = builds.refusal(a_build("other", runner={"image": "registry.example/mobile-evil/tool:1"}))
        assert "spec.runner.image" in other
        assert builds.refusal(a_build("right", runner={"image": "registry.example/mobile/tool:1"})) == ""
    finally:
        installed.install(IMAGES, seconds=SECONDS)


@pytest.mark.usefixtures("installed")
def test_editors_build_and_viewers_look(builds: Kube) -> None:
    """Whoever has the cluster's own role edit may create builds, view may only read them, and others nothing."""
    for role in ("edit", "view"):
        builds.kubectl("create", "serviceaccount", role)
        builds.kubectl("create", "rolebinding", role, f"--clusterrole={role}", f"--serviceaccount={BUILDS}:{role}")

    def may(who: str, verb: str) -> bool:
        account = f"system:serviceaccount:{BUILDS}:{who}"
        asked = builds.kubectl("auth", "can-i", verb, "publishbuilds.publishbuild.dev", "--as", account, check=False)
        return asked.stdout.strip() == "yes"

    until(lambda: may("edit", "create"), seconds=30, what="the roles are aggregated")
    bound = ("--clusterrole=publishbuild-submitter", f"--serviceaccount={BUILDS}:asks")
    builds.kubectl("create", "serviceaccount", "asks")
    builds.kubectl("create", "rolebinding", "asks", *bound)
    until(lambda: may("asks", "create"), seconds=30, what="the role is bound")
    rights = {(who, verb): may(who, verb) for who in ("edit", "asks", "view", "default") for verb in ("get", "delete")}
    allowed = [key for key, may_do in rights.items() if may_do]
    assert allowed == [("edit", "get"), ("edit", "delete"), ("asks", "get"), ("view", "get")]


def test_the_exact_queue_is_for_those_who_are_named(installed: Helm, builds: Kube) -> None:
    """The API server's proxy shows the queue to whom `queueReaders` names, and to nobody else without rights there."""
    reader = {"kind": "ServiceAccount", "name": "reader", "namespace": BUILDS}
    builds.kubectl("create", "serviceaccount", "reader")
    installed.install(merged(IMAGES, {"queueReaders": [reader]}), seconds=SECONDS)
    path = f"/api/v1/namespaces/{OPERATOR}/services/http:{RELEASE}:http/proxy/v1/queue"

    def asked(who: str) -> subprocess.CompletedProcess[str]:
        account = f"system:serviceaccount:{BUILDS}:{who}"
        return builds.kubectl("get", "--raw", path, "--as", account, check=False)

    try:
        # A standby that is asked says 503, and a leader that has just started may not have reached Redis yet.
        def told() -> bool:
            said = asked("reader").stdout
            return said != "" and json.loads(said)["redis"] == "up"

        until(told, seconds=60, what="the queue is told, with Redis up")
        assert "Forbidden" in asked("default").stderr
    finally:
        installed.install(IMAGES, seconds=SECONDS)


def test_a_second_operator_for_all_namespaces_is_refused(installed: Helm) -> None:
    """Helm refuses another release that would act on all namespaces too, in another namespace and by another name."""
    other = Helm(Kubectl(BUILDS, kubeconfig=installed.kubectl.kubeconfig), "another")
    rest = {"crds": {"enabled": False}, "runnerPolicy": {"enabled": False}, "userRoles": {"create": False}}
    with pytest.raises(HelmError, match=rf"is installed here: release {RELEASE} in namespace {OPERATOR}"):
        other("install", other.release, str(CHART), values=merged(IMAGES, rest))
    other("uninstall", other.release, "--ignore-not-found")


def test_an_upgrade_and_a_rollback_under_load(installed: Helm, builds: Kube) -> None:
    """With 20 builds running and 50 waiting, upgrade and rollback lose none, double none, and keep Redis's password."""
    # Places that are kept for other namespaces would stay free here.
    loaded = merged(IMAGES, {"settings": {"maxConcurrent": 20, "reservedForIdle": 0}})
    installed.install(loaded, seconds=SECONDS)
    before, kept = {pod["metadata"]["uid"] for pod in operators(installed)}, password(installed)
    names = [f"load-{number:02d}" for number in range(70)]
    with JobRecorder(builds) as jobs_seen:
        builds.kubectl_apply(*[a_build(name, "sleep 20") for name in names])

        def phases() -> list[str]:
            return [build.get("status", {}).get("phase", "") for build in builds.all_builds()]

        until(
            lambda: phases().count("Running") == 20 and phases().count("Queued") == 50,
            seconds=120,
            what="20 running, 50 waiting",
        )
        installed.install(merged(loaded, {"settings": {"agingSeconds": 3600}}), seconds=SECONDS)
        upgraded = {pod["metadata"]["uid"] for pod in operators(installed)}
        assert not before & upgraded
        assert password(installed) == kept
        assert phases().count("Queued") > 0
        installed("rollback", RELEASE, "--wait", f"--timeout={SECONDS}s")
        assert not upgraded & {pod["metadata"]["uid"] for pod in operators(installed)}
        builds.wait_all_ended(len(names), seconds=400)
    assert set(phases()) == {"Succeeded"}
    assert jobs_seen.of_build() == dict.fromkeys(names, 1)
    assert jobs_seen.most_live == 20


def test_nothing_is_refused_to_the_operator(installed: Helm, builds: Kube) -> None:
    """After builds that succeed, fail and are cancelled, the API server has refused the operators nothing."""
    builds.kubectl_apply(
        a_build("good"), a_build("bad", "exit 64"), a_build("long", "trap exit TERM; sleep 600 & wait")
    )
    builds.wait_phase("long", "Running", seconds=60)
    builds.patch_spec("long", cancel=True)
    for name, phase in (("good", "Succeeded"), ("bad", "Failed"), ("long", "Cancelled")):
        builds.wait_phase(name, phase, seconds=120)
    texts = []
    for pod in operators(installed):
        name = pod["metadata"]["name"]
        path = f"/api/v1/namespaces/{OPERATOR}/pods/{name}:8080/proxy/metrics"
        texts.append(installed.kubectl("get", "--raw", path))
        log = installed.kubectl("logs", name)
        refused = [line for line in log.splitlines() if re.search(r"[Ff]orbidden", line)]
        assert not refused, "\n".join(refused[:3])
    assert len(texts) == 2
    assert all('code="403"' not in text for text in texts)
    assert sum("publishbuild_leader 1.0" in text for text in texts) == 1
    assert any("publishbuild_redis_up 1.0" in text for text in texts)


def test_uninstalling_leaves_the_builds_and_installing_again_goes_on_with_them(installed: Helm, builds: Kube) -> None:
    """`helm uninstall` ends by itself; running builds go on, CRD and builds stay, and a new install takes them up."""
    one = merged(IMAGES, {"settings": {"maxConcurrent": 1}})
    installed.install(one, seconds=SECONDS)
    with JobRecorder(builds) as jobs_seen:
        builds.kubectl_apply(a_build("running", "sleep 20", priority=1), a_build("waiting"))
        builds.wait_phase("running", "Running", seconds=60)
        installed("uninstall", RELEASE, "--wait", f"--timeout={SECONDS}s")
        mine = ("-l", f"app.kubernetes.io/instance={RELEASE}")
        kinds = "all,secrets,roles,rolebindings,serviceaccounts,poddisruptionbudgets"
        until(lambda: not installed.kubectl.get(kinds, *mine)["items"], seconds=60, what="nothing of it is left")
        assert {build["metadata"]["name"] for build in builds.all_builds()} == {"running", "waiting"}
        assert not any(build["metadata"].get("finalizers") for build in builds.all_builds())
        until(lambda: _completed(builds, "running"), seconds=60, what="the Job goes on without an operator")
        installed.install(IMAGES, seconds=SECONDS)
        builds.wait_all_ended(2, seconds=120)
    assert jobs_seen.of_build() == {"running": 1, "waiting": 1}
    assert {build["status"]["phase"] for build in builds.all_builds()} == {"Succeeded"}


def _completed(builds: Kube, build: str) -> bool:
    return json.dumps(builds.jobs_of(build)).count('"type": "Complete"') == 1
