"""What a user's own cluster lacks for the demo is told before anything is installed there."""

from __future__ import annotations

import argparse
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hack.demo.arguments import arguments_of
from hack.demo.images import LOCAL, DemoImages
from hack.demo.kubectl import ROOT, Kubectl, KubectlError
from hack.demo.node_images import LIST, REPORTED_AT_MOST, advice, lacking, require_images
from hack.images import __main__ as images
from hack.images.catalogue import IMAGES
from hack.images.progress import BuildError, Progress

Object = dict[str, Any]


def node(name: str, *images: str, **spec: Any) -> Object:
    return {"metadata": {"name": name}, "spec": spec, "status": {"images": [{"names": [image]} for image in images]}}


@pytest.mark.parametrize(
    ("held", "lacks"),
    [
        (["registry.example/app:1", "docker.io/library/redis:8.2"], []),
        (["registry.example/app:1"], ["redis:8.2"]),
        (["registry.example/app:2", "docker.io/library/redis:8.2"], ["registry.example/app:1"]),
        ([], ["registry.example/app:1", "redis:8.2"]),
    ],
)
def test_a_node_lacks_what_it_does_not_report(held: list[str], lacks: list[str]) -> None:
    """Names are compared in full, tags included."""
    found = lacking(["registry.example/app:1", "redis:8.2"], [node("one", *held)])
    assert found == ({"one": lacks} if lacks else {})


def test_only_nodes_that_take_pods_count() -> None:
    """A control plane that no pod comes to needs no images; each node that one may come to does."""
    taint = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
    nodes = [
        node("control-plane", taints=[taint]),
        node("drained", unschedulable=True),
        node("prefers-not", taints=[{"key": "slow", "effect": "PreferNoSchedule"}]),
        node("has-it", "app:1"),
    ]
    assert lacking(["app:1"], nodes) == {"prefers-not": ["app:1"]}


def test_a_node_whose_report_is_cut_off_is_left_to_its_pods() -> None:
    """The kubelet reports its largest images alone: one that is not among them may be there."""
    others = [f"other:{number}" for number in range(REPORTED_AT_MOST)]
    assert lacking(["app:1"], [node("one", *others)]) == {}
    assert lacking(["app:1"], [node("one", *others[1:])]) == {"one": ["app:1"]}


@pytest.mark.parametrize(
    ("context", "command"),
    [
        ("kind-dev", "| xargs -n1 kind load image-archive --name dev && make demo CONTEXT=kind-dev"),
        ("k3d-my-own", "| xargs k3d image import --cluster my-own && make demo CONTEXT=k3d-my-own"),
        ("minikube", "| xargs -n1 minikube image load && make demo CONTEXT=minikube"),
        (
            "prod eu",
            "make push REGISTRY=registry.example/me && make demo 'CONTEXT=prod eu' REGISTRY=registry.example/me",
        ),
    ],
)
def test_the_advice_is_for_the_kind_of_cluster(context: str, command: str) -> None:
    """One line that can be pasted, with what is lacking, each image once, and where."""
    told = advice(context, {"one": ["app:1", "redis:8.2"], "two": ["app:1"]})
    assert command in told
    assert f"nodes of {context} (one, two) lack app:1, redis:8.2: " in told
    assert "\n" not in told


def test_many_nodes_are_not_listed_one_by_one() -> None:
    """The line stays one that is read, however large the cluster is."""
    assert "(n0, n1, n2, …)" in advice("big", {f"n{number}": ["app:1"] for number in range(100)})


def test_nothing_is_installed_where_images_are_lacking(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stops the demo is kubectl's kind of error, in the one line of the advice."""
    monkeypatch.setattr(Kubectl, "get", lambda *_: {"items": [node("one", *LOCAL)]})
    require_images(Kubectl("demo", context="kind-dev"), LOCAL)
    with pytest.raises(
        KubectlError, match=r"nodes of kind-dev \(one\) lack registry.example/me/publishbuild-operator:"
    ):
        require_images(Kubectl("demo", context="kind-dev"), DemoImages.of("registry.example/me/"))


def test_images_of_a_registry_are_those_that_are_pushed_there() -> None:
    """The chart's values name the registry's images, a registry's port is no tag."""
    values = DemoImages.of("localhost:5000/me").values
    assert values["image"] == {"repository": "localhost:5000/me/publishbuild-operator", "tag": "dev"}
    assert values["redis"]["embedded"]["image"]["repository"] == "localhost:5000/me/publishbuild-redis"
    assert LOCAL.values["runner"]["image"] == {"repository": "localhost/publishbuild-runner-standin", "tag": "dev"}


def test_the_archives_that_the_advice_lists_are_all_that_the_demo_needs() -> None:
    """The command that names the archives names those of the demo's images and no others."""
    listed = [IMAGES[word].name for word in LIST.split() if word in IMAGES]
    assert sorted(listed) == sorted(LOCAL)


@pytest.mark.parametrize(
    "text",
    [
        "https://registry.example/me",
        "registry.example/Me",
        "registry.example me",
        "registry.example/me:1",
        "/me",
        "x" * 300,
    ],
)
def test_a_registry_that_is_none_is_refused(text: str) -> None:
    """What cannot stand before an image's name is told at once, with what is allowed, also before a push builds."""
    with pytest.raises(ValueError, match=r"REGISTRY=.*: allowed is host\[:port\]\[/path\], without https://") as caught:
        DemoImages.of(text)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("text", ["registry.example", "localhost:5000", "Registry.example:443/me/a__b-c.d", "me/"])
def test_a_registry_is_taken_in_all_its_forms(text: str) -> None:
    """Host, port and path, with or without a slash at the end."""
    assert DemoImages.of(text).operator == f"{text.rstrip('/')}/publishbuild-operator:dev"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("demo", "REGISTRY=registry.example/me"), "make demo CONTEXT=name REGISTRY=registry.example/me"),
        (("push",), "make push needs REGISTRY, such as registry.example/me"),
    ],
)
def test_make_says_what_belongs_to_a_registry(words: tuple[str, ...], told: str) -> None:
    """A REGISTRY without a CONTEXT, and a push without a REGISTRY, stop before anything is started or built."""
    done = subprocess.run(["make", "--dry-run", *words], cwd=ROOT, text=True, capture_output=True, check=False)
    assert done.returncode
    assert told in done.stderr
    assert not done.stdout


def test_a_context_is_one_word_for_the_shell() -> None:
    """A context's name may hold spaces and quotes."""
    command = ["make", "--dry-run", "demo", "CONTEXT=it's mine"]
    shown = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True).stdout.splitlines()
    [demo] = [shlex.split(line) for line in shown if " -m hack.demo " in line]
    assert demo[demo.index("--context") + 1] == "it's mine"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--registry", "r"], "name its --context too"),
        (["--context", "c", "--registry", "https://r"], "without https://"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says what does not fit, before anything is done."""
    with pytest.raises(SystemExit):
        arguments_of(arguments)
    assert told in capsys.readouterr().err


def test_a_push_checks_its_registry_before_it_builds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No image is built for a registry that cannot be pushed to."""
    monkeypatch.setattr(images, "build", lambda *_: pytest.fail("it builds"))
    asked = argparse.Namespace(registry="https://registry.example", only=[], bases="local")
    with pytest.raises(BuildError, match="without https://"):
        images._push(asked, tmp_path, Progress(tmp_path / "log"))
