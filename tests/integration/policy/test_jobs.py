"""Jobs of builds on a real API server: the operator's alone to make and to change, and its account makes no others."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from publishbuild import names
from tests.support.kube import Object, own_namespace
from tests.support.policies import Account, Policies, a_job, build_of, job_of, policies_of
from tests.support.waiting import until

pytestmark = pytest.mark.integration

KUEUE = "system:serviceaccount:kueue-system:kueue-controller-manager"
JOBS = ("batch", "jobs", ("get", "create", "patch", "update", "delete"))
OURS = {names.LABEL_MANAGED_BY: names.OPERATOR_NAME}
FOREIGN = {"app": "mine", names.LABEL_MANAGED_BY: "Helm"}


@dataclass(frozen=True)
class Stage:
    """A namespace with a build and its Job, suspended, and somebody who may do anything with Jobs."""

    policies: Policies
    operator: Account
    tenant: Account
    job: Object

    @property
    def name(self) -> str:
        """Of the build's Job."""
        return str(self.job["metadata"]["name"])


@pytest.fixture(scope="module")
def jobs(kubeconfig: Path) -> Iterator[Stage]:
    """The default policies, with Kueue as a controller of Jobs."""
    values = {"runnerPolicy": {"jobControllers": [KUEUE]}}
    with own_namespace(kubeconfig) as kube, policies_of(kube, values) as policies:
        tenant = policies.account("tenant", JOBS)
        operator = policies.account(policies.operator.rpartition(":")[2], JOBS)
        kube.kubectl("create", "role", "kueue", "--verb=get,patch", "--resource=jobs.batch")
        kube.kubectl("create", "rolebinding", "kueue", "--role=kueue", f"--user={KUEUE}")
        assert policies.admin.refusal(build_of(suspend=True), keep=True) == ""
        build = kube.build("app")
        job = job_of(build)
        job["spec"]["suspend"] = True
        until(lambda: "forbidden: User" not in operator.refusal_of_job(job), seconds=30, what="it has its rights")
        until(lambda: not tenant.refusal_of_job(a_job("x", labels={})), seconds=30, what="the tenant has its rights")
        assert operator.refusal_of_job(job, keep=True) == ""
        yield Stage(policies, operator, tenant, job)


def owned() -> Object:
    """A Job without a label, owned by an invented build."""
    owner = {"apiVersion": names.API_VERSION, "kind": names.KIND, "name": "app", "uid": "invented"}
    made = a_job("ghost", labels={})
    made["metadata"]["ownerReferences"] = [owner]
    return made


def in_template(labels: Object) -> Object:
    """A Job whose pods have ``labels``."""
    made = a_job("ghost", labels={})
    made["spec"]["template"]["metadata"] = {"labels": labels}
    return made


GHOSTS = {
    "labels": a_job("ghost"),
    "managed-by": a_job("ghost", labels=OURS),
    "uid": a_job("ghost", labels={names.LABEL_UID: "u"}),
    "build": a_job("ghost", labels={names.LABEL_BUILD: "app"}),
    "template": in_template(OURS),
    "template-uid": in_template({names.LABEL_UID: "u"}),
    "owner": owned(),
}


@pytest.mark.parametrize("ghost", GHOSTS.values(), ids=GHOSTS)
def test_nobody_else_makes_jobs_of_builds(jobs: Stage, ghost: Object) -> None:
    """A Job with a label of builds, on itself or its pods, or owned by one is refused to everybody, the admin too."""
    for account in (jobs.tenant, jobs.policies.admin):
        said = account.refusal_of_job(ghost)
        assert f"is made by {jobs.policies.operator} alone: create a PublishBuild" in said
        assert "\n" not in said


def test_other_jobs_are_nobodys_business(jobs: Stage) -> None:
    """Jobs without anything of builds are made, changed and deleted as if there were no policy."""
    assert jobs.tenant.refusal_of_job(a_job("mine", labels=FOREIGN), keep=True) == ""
    assert jobs.tenant.refusal_of_job(in_template(FOREIGN)) == ""
    assert jobs.tenant.refusal_of_job_change("mine", {"spec": {"suspend": False}}) == ""
    assert jobs.tenant.refusal_of_job_change("mine", {"metadata": {"labels": {"app": "yours"}}}) == ""
    assert jobs.tenant.refusal_of_job_deletion("mine") == ""


CHANGES: dict[str, Object] = {
    "uid": {"metadata": {"labels": {names.LABEL_UID: "other"}}},
    "no-uid": {"metadata": {"labels": {names.LABEL_UID: None}}},
    "no-label": {"metadata": {"labels": {names.LABEL_MANAGED_BY: None}}},
    "more": {"metadata": {"labels": {f"{names.GROUP}/more": "x"}}},
    "key": {"metadata": {"annotations": {names.ANNOTATION_KEY: "other"}}},
    "no-owner": {"metadata": {"ownerReferences": None}},
    "suspend": {"spec": {"suspend": False}},
    "deadline": {"spec": {"activeDeadlineSeconds": 600_000}},
    "parallelism": {"spec": {"parallelism": 0}},
    "ttl": {"spec": {"ttlSecondsAfterFinished": 0}},
    "placement": {"spec": {"template": {"spec": {"nodeSelector": {"pool": "x"}}}}},
    "tolerations": {"spec": {"template": {"spec": {"tolerations": [{"operator": "Exists"}]}}}},
    "pod-labels": {"spec": {"template": {"metadata": {"labels": {names.LABEL_UID: "other"}}}}},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_nobody_else_changes_a_builds_job(jobs: Stage, change: Object) -> None:
    """Labels, owner, annotations and spec of a build's Job are refused to whoever may change Jobs, in one line."""
    said = jobs.tenant.refusal_of_job_change(jobs.name, change)
    assert "denied request" in said
    assert "\n" not in said


@pytest.mark.parametrize("key", ["uid", "no-label", "key", "no-owner", "pod-labels"])
def test_not_even_the_operator_changes_whose_job_it_is(jobs: Stage, key: str) -> None:
    """Labels, owner and concurrency key stay what they were at creation."""
    assert "cannot be changed, given or taken away by anybody" in jobs.operator.refusal_of_job_change(
        jobs.name, CHANGES[key]
    )


def test_a_foreign_job_does_not_become_a_builds(jobs: Stage) -> None:
    """Labels of builds cannot be given to a Job that is there, by its owner or by the operator's account."""
    assert jobs.tenant.refusal_of_job(a_job("later", labels=FOREIGN), keep=True) == ""
    for change in ({"metadata": {"labels": OURS}}, {"metadata": {"labels": {names.LABEL_UID: "u"}}}):
        assert "denied request" in jobs.tenant.refusal_of_job_change("later", change)


def test_the_rest_stays_open(jobs: Stage) -> None:
    """Whoever may change and delete Jobs may still annotate a build's, and delete it."""
    assert jobs.tenant.refusal_of_job_change(jobs.name, {"metadata": {"annotations": {"team": "a"}}}) == ""
    assert jobs.tenant.refusal_of_job_change(jobs.name, {"metadata": {"labels": {"team": "a"}}}) == ""
    assert jobs.tenant.refusal_of_job_deletion(jobs.name) == ""


def test_listed_controllers_suspend_and_place_jobs(jobs: Stage) -> None:
    """An account in jobControllers may suspend, resume and place a build's Job, and change nothing else of it."""
    kueue = jobs.policies.known(KUEUE)
    for key in ("suspend", "placement", "tolerations"):
        assert kueue.refusal_of_job_change(jobs.name, CHANGES[key]) == ""
    team = {"spec": {"template": {"metadata": {"labels": {"kueue.x-k8s.io/podset": "main"}}}}}
    assert kueue.refusal_of_job_change(jobs.name, team) == ""
    for key in ("uid", "no-owner", "key", "pod-labels", "deadline", "parallelism", "ttl"):
        assert "denied request" in kueue.refusal_of_job_change(jobs.name, CHANGES[key])
    kueue.close()


def test_the_operators_account_touches_no_other_jobs(jobs: Stage) -> None:
    """With the operator's account nobody changes or deletes a Job of somebody else; its own it does."""
    assert jobs.tenant.refusal_of_job(a_job("theirs", labels=FOREIGN), keep=True) == ""
    assert "Jobs of builds alone" in jobs.operator.refusal_of_job_change("theirs", {"spec": {"suspend": False}})
    assert "Jobs of builds alone" in jobs.operator.refusal_of_job_deletion("theirs")
    assert jobs.operator.refusal_of_job_change(jobs.name, {"spec": {"ttlSecondsAfterFinished": 60}}) == ""
    assert jobs.operator.refusal_of_job_deletion(jobs.name) == ""


POD = ("spec", "template", "spec")
MISUSES: dict[str, tuple[tuple[Any, ...], Any]] = {
    "name": (("metadata", "name"), "mine"),
    "no-labels": (("metadata", "labels"), {"app": "x"}),
    "no-pod-labels": (("spec", "template", "metadata", "labels"), {}),
    "no-owner": (("metadata", "ownerReferences"), []),
    "other-uid": (("metadata", "labels", names.LABEL_UID), "other"),
    "owner-kind": (("metadata", "ownerReferences", 0, "kind"), "Deployment"),
    "account": ((*POD, "serviceAccountName"), "admin"),
    "old-account": ((*POD, "serviceAccount"), "admin"),
    "token": ((*POD, "automountServiceAccountToken"), True),
    "network": ((*POD, "hostNetwork"), True),
    "pid": ((*POD, "hostPID"), True),
    "host-path": ((*POD, "volumes", 0), {"name": "workspace", "hostPath": {"path": "/"}}),
    "api-token": (
        (*POD, "volumes", 0),
        {"name": "workspace", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}},
    ),
    "privileged": ((*POD, "containers", 0, "securityContext"), {"privileged": True}),
    "escalation": ((*POD, "containers", 0, "securityContext", "allowPrivilegeEscalation"), True),
    "capability": ((*POD, "containers", 0, "securityContext", "capabilities"), {"add": ["NET_ADMIN"]}),
    "init": (
        (*POD, "initContainers"),
        [{"name": name, "image": "x", "securityContext": {"privileged": True}} for name in names.EARLIER_STAGES],
    ),
}


@pytest.mark.parametrize(("place", "value"), MISUSES.values(), ids=MISUSES)
def test_the_operators_account_makes_jobs_of_builds_alone(jobs: Stage, place: tuple[Any, ...], value: Any) -> None:
    """Whoever takes over the operator's account gets no pod with another account, a token, the host or privileges."""
    job = copy.deepcopy(jobs.job)
    job["metadata"]["name"] = "pb-other-00000000"
    assert jobs.operator.refusal_of_job(job) == ""
    inner: Any = job
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    assert "denied request" in jobs.operator.refusal_of_job(job)


def test_the_garbage_collector_goes_on(jobs: Stage) -> None:
    """A build that is deleted without its Job leaves the Job without an owner, as anywhere."""
    kube = jobs.policies.kube
    assert jobs.policies.admin.refusal(build_of("orphaned", suspend=True), keep=True) == ""
    job = job_of(kube.build("orphaned"))
    job["spec"]["suspend"] = True
    assert jobs.operator.refusal_of_job(job, keep=True) == ""
    kube.kubectl("delete", "publishbuild", "orphaned", "--cascade=orphan", "--wait=false")

    def owners() -> bool:
        [found] = [one for one in kube.jobs() if one["metadata"]["name"] == job["metadata"]["name"]]
        return not found["metadata"].get("ownerReferences")

    until(owners, seconds=30, what="the garbage collector has taken the owner away")


def test_it_can_be_turned_off(kubeconfig: Path) -> None:
    """With protectJobs false there is no policy of Jobs."""
    with own_namespace(kubeconfig) as kube, policies_of(kube, {"runnerPolicy": {"protectJobs": False}}) as policies:
        assert policies.admin.refusal_of_job(a_job("ghost")) == ""
