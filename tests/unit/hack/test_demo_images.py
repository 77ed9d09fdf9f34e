"""What a user's own cluster lacks for the demo is told before anything is installed there."""

from __future__ import annotations

from typing import Any

import pytest

from hack.demo.images import LOCAL, DemoImages
from hack.demo.kubectl import Kubectl, KubectlError
from hack.demo.node_images import LIST, REPORTED_AT_MOST, advice, lacking, require_images
from hack.images.catalogue import IMAGES

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
