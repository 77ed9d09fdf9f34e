"""A user's own cluster: what is in the demo's way is one line, nothing of others is touched, what stays is named."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from typing import Any

import pytest
import yaml

from hack.demo import crd, remains
from hack.demo.helm import Helm, HelmError, _run
from hack.demo.images import LOCAL
from hack.demo.kubectl import Kubectl, KubectlError, last_words
from hack.demo.own_cluster import require_alone, require_fit, watching
from hack.demo.rights import NEEDED, require_rights
from hack.demo.troubles import command, lines

Object = dict[str, Any]
DEMO = Kubectl("publishbuild-demo", context="prod eu")


def operator(namespace: str, *watched: str) -> Object:
    env = [{"name": "PUBLISHBUILD_WATCH_NAMESPACES", "value": ",".join(watched)}] if watched else []
    pod = {"spec": {"containers": [{"env": [{"name": "OTHER", "value": "x"}, *env]}]}}
    return {"metadata": {"name": "op", "namespace": namespace}, "spec": {"template": pod}}


@pytest.mark.parametrize(
    ("other", "runs_it"),
    [
        (operator("prod"), True),
        (operator("prod", "web", "publishbuild-demo"), True),
        (operator("prod", "web"), False),
        (operator("publishbuild-demo"), False),
    ],
)
def test_an_operator_that_would_run_the_demos_builds_is_found(other: Object, runs_it: bool) -> None:
    """Another operator for all namespaces, or for the demo's, is in the way; one for others is not."""
    assert (watching("publishbuild-demo", [other]) == [other]) is runs_it


def test_the_operator_that_is_in_the_way_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says which operator, where, and what to do: on a cluster of the user's own, and on the local one."""
    answers(monkeypatch, get={"items": [operator("other", "web"), operator("prod")]})
    with pytest.raises(KubectlError, match=r"^on prod eu the operator op in namespace prod .*make demo CONTEXT=name"):
        require_alone(DEMO)
    with pytest.raises(KubectlError, match=r"^on the local cluster the operator op .*make cluster-down"):
        require_alone(Kubectl("publishbuild-demo"))


class Answers:
    """What kubectl says, by the first of its words that is a key; notes what it was asked."""

    def __init__(self, **said: Any) -> None:
        self.said = said
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, _: Kubectl, *words: str, **__: Any) -> str:
        self.asked.append(words)
        found = next((self.said[word] for word in words if word in self.said), "")
        if isinstance(found, Exception):
            raise found
        return found if isinstance(found, str) else json.dumps(found)


def answers(monkeypatch: pytest.MonkeyPatch, **said: Any) -> Answers:
    made = Answers(**said)

    def call(kubectl: Kubectl, *words: str, **how: Any) -> str:
        return made(kubectl, *words, **how)

    monkeypatch.setattr(Kubectl, "__call__", call)
    return made


def reviews(*allowed: bool) -> str:
    """As kubectl prints what it created: one JSON after the other."""
    return "\n".join(json.dumps({"status": {"allowed": each}}, indent=4) for each in allowed)


def test_missing_rights_are_told_before_anything_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line names the rights that are missing, what they are for, and the command that checks the remedy."""
    asked = answers(monkeypatch, create=reviews(False, False, *[True] * (len(NEEDED) - 2)))
    with pytest.raises(KubectlError) as caught:
        require_rights(DEMO)
    told = str(caught.value)
    assert "may not: create namespaces, list deployments.apps." in told
    assert "kubectl auth can-i '*' '*' --all-namespaces --context 'prod eu'" in told
    assert "\n" not in told
    assert len(asked.asked) == 1


def test_who_has_the_rights_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """With every right nothing is said, and each was asked for."""
    answers(monkeypatch, create=reviews(*[True] * len(NEEDED)))
    require_rights(DEMO)


def test_a_context_that_is_not_there_is_told_with_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which kubeconfig was read, and which contexts it has."""
    monkeypatch.setenv("KUBECONFIG", "/home/me/config")
    answers(monkeypatch, config="one\ntwo\n")
    with pytest.raises(KubectlError, match=r"^/home/me/config has no context prod eu; it has: one, two$"):
        require_fit(DEMO, LOCAL)


def test_a_server_that_does_not_answer_is_told_with_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first question is the last one: the cause stands in one line with context and address."""
    asked = answers(
        monkeypatch, **{"get-contexts": "prod eu\n", "view": "https://x:6443", "--raw": KubectlError("refused")}
    )
    with pytest.raises(KubectlError, match=r"^context prod eu \(https://x:6443\) cannot be used: refused$"):
        require_fit(DEMO, LOCAL)
    assert not any("create" in words for words in asked.asked)


def test_kubectl_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that does not come in time is an error as any other."""

    def hang(*_: Any, timeout: float, **__: Any) -> None:
        raise subprocess.TimeoutExpired("kubectl", timeout)

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(KubectlError, match="no answer in 15 s"):
        DEMO("get", "nodes", seconds=15)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('E1128 01:00:00.000001   1 memcache.go:265] "x"\nThe connection was refused\n', "The connection was refused"),
        ("E1128 01:00:00.000001   1 memcache.go:265] alone", "E1128 01:00:00.000001   1 memcache.go:265] alone"),
        ("", ""),
    ],
)
def test_the_log_lines_of_kubectls_library_are_left_out(said: str, told: str) -> None:
    """The cause stands alone, unless there is nothing but log lines."""
    assert last_words(said) == told


def a_crd(**annotations: str) -> Object:
    found: Object = yaml.safe_load(crd.FILE.read_text())
    found["metadata"]["annotations"] = {f"meta.helm.sh/release-{key}": value for key, value in annotations.items()}
    return found


@pytest.mark.parametrize(
    ("found", "anothers"),
    [
        ("", False),
        (a_crd(name="publishbuild-operator", namespace="publishbuild-demo"), False),
        (a_crd(name="publishbuild-operator", namespace="prod"), True),
        (a_crd(), True),
    ],
)
def test_a_crd_of_somebody_else_is_left_alone(monkeypatch: pytest.MonkeyPatch, found: Any, anothers: bool) -> None:
    """A CRD that another release or a person applied is used as it is, where it is this tree's."""
    answers(monkeypatch, get=found)
    assert crd.is_anothers(DEMO, "publishbuild-operator") is anothers


def test_a_crd_that_is_not_fit_stops_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that differs from this tree's is named with its owner and not changed; the API server's defaults are none."""
    found = a_crd(name="op", namespace="prod")
    found["spec"]["conversion"] = {"strategy": "None"}
    answers(monkeypatch, get=found)
    assert crd.is_anothers(DEMO, "publishbuild-operator")
    del found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    with pytest.raises(KubectlError, match="of release op in namespace prod and differs from this tree's"):
        crd.is_anothers(DEMO, "publishbuild-operator")


def test_what_stays_is_named_with_its_removal(monkeypatch: pytest.MonkeyPatch) -> None:
    """One command removes all of it; the CRD is part of it where the demo's release made it, and only there."""
    answers(monkeypatch, get=a_crd(name="publishbuild-operator", namespace="publishbuild-demo"))
    told = remains.told(DEMO).splitlines()[-1]
    assert "--kube-context 'prod eu' uninstall publishbuild-operator" in told
    assert "&& kubectl --context 'prod eu' delete namespace publishbuild-demo" in told
    assert told.endswith("&& kubectl --context 'prod eu' delete crd publishbuilds.publishbuild.dev")
    for said in (a_crd(name="op", namespace="prod"), KubectlError("no answer")):
        answers(monkeypatch, get=said)
        assert "crd" not in remains.told(DEMO).lower()


def test_a_locked_release_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """helm says that another operation is in progress; the command that ends that stands beside it."""
    said = "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress"
    monkeypatch.setattr("hack.demo.helm._run", lambda *_: (1, "", said))
    with pytest.raises(HelmError, match=r"is in progress: .* uninstall publishbuild-operator --ig"):
        Helm(DEMO).install({}, seconds=1)


def test_nothing_of_others_is_taken_over_on_a_users_own_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """helm is told to take ownership on this repository's own cluster alone."""
    seen: list[tuple[str, ...]] = []

    def noted(words: Sequence[str], _: str | None) -> tuple[int, str, str]:
        seen.append(tuple(words))
        return 0, "", ""

    monkeypatch.setattr("hack.demo.helm._run", noted)
    Helm(DEMO).install({}, seconds=1, take_crd=False)
    Helm(DEMO).install({}, seconds=1)
    assert ["--take-ownership" in words for words in seen] == [False, True]


def test_a_helm_that_is_interrupted_may_note_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who stops the demo ends helm by SIGTERM, which unlocks its release, and waits until it has."""
    script = "trap 'exit 1' TERM; echo >&2; sleep 60 & wait"
    assert _run(["sh", "-c", "cat; echo e >&2; exit 3"], "in") == (3, "in", "e\n")
    communicate, calls = subprocess.Popen.communicate, []

    def interrupted(process: Any, *arguments: Any, **how: Any) -> Any:
        calls.append(how)
        if len(calls) == 1:
            process.stderr.readline()  # the trap is set
            raise SystemExit(143)
        return communicate(process, *arguments, **how)

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupted)
    ended: list[int] = []
    wait = subprocess.Popen.wait
    monkeypatch.setattr(subprocess.Popen, "wait", lambda process, timeout=None: ended.append(wait(process, timeout)))
    with pytest.raises(SystemExit):
        _run(["sh", "-c", script], "")
    assert len(calls) == 2
    assert set(ended) == {1}


def an_event(reason: str, message: str, time: str) -> Object:
    about = {"kind": "ReplicaSet", "name": "op-1"}
    return {"involvedObject": about, "reason": reason, "message": message, "lastTimestamp": time, "metadata": {}}


def test_the_namespaces_own_reason_is_told_last() -> None:
    """Waiting pods first, then Warnings, the newest last, each once, in one line without control characters."""
    pod: Object = {
        "metadata": {"name": "p"},
        "status": {
            "conditions": [
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no node"}
            ],
            "containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff", "message": "x\ny"}}}],
            "initContainerStatuses": [{"state": {"waiting": {"reason": "PodInitializing"}}}],
        },
    }
    quota = an_event("FailedCreate", "failed quota: q: must specify limits.cpu", "2026-01-01T00:00:02Z")
    found = lines([pod], [quota, an_event("Old", "\x1b[31m" + "m" * 1000, "2026-01-01T00:00:01Z"), quota])
    assert found[0] == "Pod/p: Unschedulable: no node"
    assert found[1] == "Pod/p: ImagePullBackOff: x y"
    assert found[2].startswith("ReplicaSet/op-1: Old:  [31mmm")
    assert len(found[2]) <= 400
    assert found[3:] == ["ReplicaSet/op-1: FailedCreate: failed quota: q: must specify limits.cpu"]


def test_the_command_that_shows_it_again_names_the_cluster() -> None:
    """It can be pasted as it is."""
    wanted = "kubectl get events -n publishbuild-demo --field-selector=type=Warning --context 'prod eu'"
    assert command(DEMO) == wanted
