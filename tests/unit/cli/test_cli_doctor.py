"""`publishbuild doctor`: what it makes of what it finds, and of what it may not see."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from publishbuild import __version__
from publishbuild.cli.views.check import Check, Mark
from publishbuild.cli.views.checked import checked
from publishbuild.cli.views.checks import checks
from publishbuild.cli.views.schema_difference import difference
from publishbuild.client import (
    ForbiddenError,
    LiveQueue,
    NoClusterError,
    NoResourceError,
    NotFoundError,
    QueueEntry,
    QueueUnknownError,
)
from publishbuild.client.diagnosis import NEEDED, USEFUL, Findings
from publishbuild.models.base import rfc3339_micro
from publishbuild.models.crd import crd
from tests.builders import NOW, Object, a_build, at

FORBIDDEN = ForbiddenError("you may not", 403)
MISSING = NotFoundError("not found", 404)
ALL_RIGHTS = dict.fromkeys((*NEEDED, *USEFUL), True)


def the_crd(established: str = "True") -> Object:
    return crd() | {"status": {"conditions": [{"type": "Established", "status": established}]}}


def deployment(ready: int = 2, wanted: int = 2, version: str = __version__, namespace: str = "publish") -> Object:
    return {
        "metadata": {
            "name": "publishbuild-operator",
            "namespace": namespace,
            "labels": {"app.kubernetes.io/version": version},
        },
        "spec": {"replicas": wanted},
        "status": {"readyReplicas": ready},
    }


def lease(holder: str = "pod-1", renewed: float = -1) -> Object:
    spec = {"holderIdentity": holder, "leaseDurationSeconds": 10, "renewTime": rfc3339_micro(at(renewed))}
    return {"spec": spec}


def live(*, redis: bool = True) -> LiveQueue:
    return LiveQueue((QueueEntry(1, "u", "GlobalLimit"),), limit=10, running=10, redis_up=redis)


def running(message: str = "attempt 1 runs") -> Object:
    said = {"type": "Succeeded", "status": "Unknown", "message": message}
    return a_build() | {"status": {"startTime": "2025-06-01T12:00:00Z", "conditions": [said]}}


WELL = Findings(
    now=NOW,
    namespace="shop",
    version="v1.35.0",
    ahead=timedelta(seconds=1),
    crd=the_crd(),
    rights=ALL_RIGHTS,
    deployments=[deployment()],
    operator_namespace="publish",
    lease=lease(),
    queue=live(),
    policies=[{"metadata": {"name": "publishbuild-operator-runner"}}],
    paused={"shop": False, "publish": False},
    builds=[running()],
)


def found(what: str, **differs: Any) -> Check:
    """The check of that name where all else is well."""
    return next(check for check in checks(replace(WELL, **differs)) if check.what == what)


def test_where_all_is_well_nothing_is_to_do() -> None:
    """A good installation gives good marks alone."""
    assert {check.mark for check in checks(WELL)} == {Mark.GOOD}


def older() -> Object:
    """A CRD that lacks a field and has one that is not known here."""
    made = copy.deepcopy(the_crd())
    fields = made["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    fields["added"] = fields.pop("retryOf")
    return made


CASES: list[tuple[str, dict[str, Any], Mark, str]] = [
    ("clock", {"ahead": timedelta(seconds=-90)}, Mark.DOUBT, "90s behind the API server"),
    ("clock", {"ahead": timedelta(hours=2)}, Mark.BAD, "ahead of the API server"),
    ("clock", {"ahead": None}, Mark.DOUBT, "does not tell its time"),
    ("clock", {"ahead": FORBIDDEN}, Mark.DOUBT, "does not tell its time"),
    ("PublishBuild CRD", {"crd": MISSING}, Mark.BAD, "has no PublishBuilds"),
    ("PublishBuild CRD", {"crd": FORBIDDEN}, Mark.DOUBT, "is there"),
    ("PublishBuild CRD", {"crd": FORBIDDEN, "builds": NoResourceError("none", 404)}, Mark.BAD, "has no PublishBuilds"),
    ("PublishBuild CRD", {"crd": the_crd("False")}, Mark.BAD, "not established"),
    ("PublishBuild CRD", {"crd": older()}, Mark.DOUBT, "the cluster's has spec.added"),
    ("your rights", {"rights": FORBIDDEN}, Mark.DOUBT, "cannot be read"),
    ("your rights", {"rights": ALL_RIGHTS | {USEFUL[3]: False}}, Mark.DOUBT, "you may not get pods/log"),
    ("your rights", {"rights": ALL_RIGHTS | {NEEDED[1]: False}}, Mark.BAD, "you may not list publishbuilds"),
    ("operator", {"deployments": FORBIDDEN}, Mark.DOUBT, "may not be read"),
    ("operator", {"deployments": []}, Mark.DOUBT, "works, but has no Deployment"),
    ("operator", {"deployments": [], "lease": None}, Mark.BAD, "no Deployment"),
    ("operator", {"deployments": [], "lease": lease(renewed=-60)}, Mark.BAD, "no Deployment"),
    ("operator", {"deployments": [deployment(ready=0)]}, Mark.BAD, "0 of 2 replicas"),
    ("operator", {"deployments": [deployment(ready=1)]}, Mark.DOUBT, "1 of 2 replicas"),
    ("operator", {"deployments": [deployment(ready=0, wanted=0)]}, Mark.BAD, "0 of 0 replicas"),
    ("operator", {"deployments": [deployment(version="9.9.9")]}, Mark.DOUBT, "version 9.9.9"),
    ("operator", {"deployments": [deployment(), deployment(namespace="b")]}, Mark.DOUBT, "publish, b"),
    ("leader", {"lease": None}, Mark.DOUBT, "not known"),
    ("leader", {"lease": FORBIDDEN}, Mark.DOUBT, "cannot be read"),
    ("leader", {"lease": MISSING}, Mark.BAD, "has ever led in namespace publish"),
    ("leader", {"lease": lease(holder="")}, Mark.BAD, "nobody has taken over"),
    ("leader", {"lease": lease(renewed=-91)}, Mark.BAD, "pod-1 has been silent for 90s"),
    ("queue and Redis", {"queue": live(redis=False)}, Mark.BAD, "Redis is away"),
    ("queue and Redis", {"queue": QueueUnknownError("no operator")}, Mark.DOUBT, "cannot be read"),
    ("pauses", {"paused": {"shop": True, "publish": False}}, Mark.DOUBT, "the namespace is paused"),
    ("pauses", {"paused": {"shop": False, "publish": True}}, Mark.DOUBT, "all builds are paused"),
    ("pauses", {"paused": {"shop": FORBIDDEN}}, Mark.DOUBT, "namespace shop may not be read"),
    ("runner image", {"builds": FORBIDDEN}, Mark.DOUBT, "cannot be listed"),
    ("runner image", {"builds": []}, Mark.DOUBT, "no build has run"),
    ("runner image", {"builds": [running("the pod cannot start, ImagePullBackOff")]}, Mark.BAD, "ImagePullBackOff"),
    ("admission policy", {"policies": []}, Mark.DOUBT, "may use any Secret"),
    ("admission policy", {"policies": FORBIDDEN}, Mark.DOUBT, "may not be read"),
    ("admission policy", {"policies": NoClusterError("cut")}, Mark.DOUBT, "cannot be read"),
]


@pytest.mark.parametrize(("what", "differs", "mark", "says"), CASES, ids=[f"{c[0]}: {c[3]}" for c in CASES])
def test_what_is_wrong_is_said_with_a_fix(what: str, differs: dict[str, Any], mark: Mark, says: str) -> None:
    """Each thing that is missing, wrong or may not be seen gives its own line with what to do about it."""
    check = found(what, **differs)
    assert (check.mark, bool(check.fix)) == (mark, True)
    assert says in check.says


def test_a_clock_that_is_wrong_does_not_end_the_leader() -> None:
    """The Lease is judged by the API server's clock, so that a user's wrong clock says nothing of the operator."""
    hour = timedelta(hours=1)
    assert found("leader", now=NOW + hour, ahead=hour).mark is Mark.GOOD


def test_without_a_cluster_nothing_else_is_asked() -> None:
    """An API server that does not answer is the one line that matters."""
    [check] = checks(replace(WELL, version=NoClusterError("no answer")))
    assert (check.mark, check.says) == (Mark.BAD, "no answer")


def everything_forbidden() -> dict[str, Any]:
    return dict.fromkeys(("ahead", "crd", "rights", "deployments", "lease", "queue", "policies", "builds"), FORBIDDEN)


def test_half_of_it_may_be_missing() -> None:
    """Where nothing but the API server answers, each check still has its line."""
    done = checks(replace(WELL, **everything_forbidden(), paused={"shop": FORBIDDEN}))
    assert [check.what for check in done] == [check.what for check in checks(WELL)]
    assert {check.mark for check in done[1:]} == {Mark.DOUBT}


def test_the_lines_are_readable() -> None:
    """A check is a line with its mark, and what to do stands below what is not good."""
    lines = checked(checks(replace(WELL, queue=live(redis=False))), None).plain.splitlines()
    assert lines[0] == "✓ API server        Kubernetes v1.35.0 answers"
    at_redis = next(number for number, line in enumerate(lines) if line.startswith("✗ queue and Redis"))
    assert lines[at_redis + 1].strip().startswith("→ docs/redis.md")


def schema_with(change: str) -> Object:
    made = copy.deepcopy(the_crd())
    version = made["spec"]["versions"][0]
    attempts = version["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]["failedAttempts"]
    match change:
        case "description":
            attempts["description"] = "in other words"
        case "items":
            attempts["items"]["properties"].pop("pod")
        case "rule":
            attempts["maxItems"] = 3
        case "version":
            version["served"] = False
    return made


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("description", ""),
        ("items", "the cluster's lacks status.failedAttempts[].pod"),
        ("rule", "other rules for status.failedAttempts"),
        ("version", "it does not serve v1alpha1"),
    ],
)
def test_a_difference_of_the_crd_is_named(change: str, said: str) -> None:
    """The first field that differs is named; other words for people are no difference."""
    assert difference(crd(), schema_with(change)) == said
