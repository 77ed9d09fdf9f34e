"""The chart's admission policies on a real API server, in force for one namespace, and accounts to try them."""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client, config

from hack.demo.helm import CHART, Helm, merged
from hack.demo.kubectl import Kubectl
from publishbuild import names
from publishbuild.decide.job_manifest import job_manifest
from publishbuild.models.spec import PublishBuildSpec
from tests.support.kube import Kube, Object
from tests.support.lasting_clients import lasting
from tests.support.waiting import until

_KINDS = {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
_CANARY = "nobody-allows-this-one"


def build_of(name: str = "app", *, url: str = "https://github.com/acme/app.git", **spec: Any) -> Object:
    """A PublishBuild that asks for nothing but a build."""
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "metadata": {"name": name},
        "spec": {"source": {"git": {"url": url}}, **spec},
    }


class Account:
    """Somebody who asks the API server: the admin, or by impersonation an account with rights of its own."""

    def __init__(self, kube: Kube, username: str = "") -> None:
        self.kube, self.username = kube, username
        untyped: Any = config
        api = untyped.new_client_from_config(str(kube.kubeconfig))
        if username:
            api.set_default_header("Impersonate-User", username)
        self._api = api
        self._builds: Any = client.CustomObjectsApi(api)
        self._batch: Any = client.BatchV1Api(api)

    def close(self) -> None:
        """End its connections."""
        self._api.close()
        self.drop_connections()

    def drop_connections(self) -> None:
        """Close what is open; the next request connects anew."""
        self._api.rest_client.pool_manager.clear()

    def wait_rights(self) -> None:
        """Wait until the API server knows that it may create builds."""
        until(lambda: not self.refusal(build_of()), seconds=30, what=f"{self.username} has its rights")

    def refusal(self, build: Object, *, keep: bool = False) -> str:
        """What the API server says against a new build, "" if it takes it; nothing is stored unless ``keep``."""
        how = self._how(keep)
        create = self._builds.create_namespaced_custom_object
        return _said(create, *self._place(), build, field_validation="Strict", **how)

    def refusal_of_change(self, name: str, *, keep: bool = False, **spec: Any) -> str:
        """The same of a change of a stored build's spec."""
        patch = self._builds.patch_namespaced_custom_object
        return _said(patch, *self._place(), name, {"spec": spec}, **self._how(keep))

    def refusal_of_job(self, job: Object, *, keep: bool = False) -> str:
        """The same of a new Job."""
        return _said(self._batch.create_namespaced_job, self.kube.namespace, job, **self._how(keep))

    def refusal_of_job_change(self, name: str, change: Object, *, keep: bool = False) -> str:
        """The same of a merge patch of a stored Job."""
        patch = self._batch.patch_namespaced_job
        return _said(patch, name, self.kube.namespace, change, **self._how(keep))

    def refusal_of_job_deletion(self, name: str) -> str:
        """The same of a Job's deletion."""
        return _said(self._batch.delete_namespaced_job, name, self.kube.namespace, dry_run="All")

    def _place(self) -> tuple[str, str, str, str]:
        return names.GROUP, names.VERSION, self.kube.namespace, names.PLURAL

    @staticmethod
    def _how(keep: bool) -> Object:
        return {} if keep else {"dry_run": "All"}


class Policies:
    """What `policies_of` gives: the chart's policies for ``kube``'s namespace, and accounts there."""

    def __init__(self, kube: Kube, home: str) -> None:
        self.kube, self.home = kube, home
        self.release = f"p-{uuid.uuid4().hex[:8]}"
        self.admin = Account(kube)
        self._accounts = [self.admin]
        self._applied: list[Object] = []

    @property
    def operator(self) -> str:
        """The user name of the chart's operator."""
        return f"system:serviceaccount:{self.home}:{self.release}-{CHART.name}"

    @property
    def submitter_role(self) -> str:
        """The chart's ClusterRole for those who ask for builds and may do nothing else."""
        [found] = [n for one in self._applied if (n := one["metadata"]["name"]).startswith("publishbuild-submitter")]
        return str(found)

    def chart(self, values: Mapping[str, Any] | None = None) -> list[Object]:
        """All that the chart gives for this namespace alone, the operator being in ``home``."""
        helm = Helm(Kubectl(self.home, kubeconfig=self.kube.kubeconfig))
        whole = merged({"watchNamespaces": [self.kube.namespace]}, values or {})
        return [one for one in yaml.safe_load_all(helm("template", self.release, str(CHART), values=whole)) if one]

    def rendered(self, values: Mapping[str, Any]) -> list[Object]:
        """The policies, their bindings and the users' roles, for this namespace alone."""
        found = self.chart(values)
        kept = (one for one in found if (one["kind"] in _KINDS or _component(one) == "users"))
        return [one for one in kept if "helm.sh/hook" not in one["metadata"].get("annotations", {})]

    def install(self, values: Mapping[str, Any] | None = None) -> None:
        """Apply them and wait until they are in force."""
        self._applied = self.rendered(values or {})
        self._apply("apply", "--server-side", "--force-conflicts")
        canary = build_of("canary", runner={"serviceAccountName": _CANARY})
        until(lambda: _CANARY in self.admin.refusal(canary), seconds=30, what="the policy is in force")
        stray = a_job(self.release)
        if any(one["metadata"]["name"].endswith("-jobs") for one in self._applied):
            until(lambda: self.admin.refusal_of_job(stray), seconds=30, what="the policy of Jobs is in force")

    def operator_kubeconfig(self, file: Path) -> Path:
        """A kubeconfig in ``file`` of the chart's own operator: its service account with its own rights."""
        found = self.chart()
        kinds = {"ServiceAccount", "Role", "RoleBinding"}
        mine = [one for one in found if one["kind"] in kinds and _component(one) == "operator"]
        self.kube.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": mine}))
        token = self.kube.kubectl("create", "token", self.operator.rpartition(":")[2]).stdout.strip()
        known = yaml.safe_load(self.kube.kubeconfig.read_text(encoding="utf-8"))
        known["users"] = [{"name": "operator", "user": {"token": token}}]
        known["contexts"][0]["context"]["user"] = "operator"
        known["current-context"] = known["contexts"][0]["name"]
        file.write_text(yaml.safe_dump(known), encoding="utf-8")
        return file

    def account(self, name: str, *rules: tuple[str, str, Sequence[str]], role: str = "") -> Account:
        """A service account with ``rules`` (API group, resource, verbs), or bound to the ClusterRole ``role``."""
        kubectl = self.kube.kubectl
        kubectl("create", "serviceaccount", name)
        if rules:
            listed = [{"apiGroups": [group], "resources": [what], "verbs": [*verbs]} for group, what, verbs in rules]
            made = {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "Role",
                "metadata": {"name": name},
                "rules": listed,
            }
            kubectl("apply", "-f", "-", stdin=json.dumps(made))
        bound = f"--clusterrole={role}" if role else f"--role={name}"
        kubectl("create", "rolebinding", name, bound, f"--serviceaccount={self.kube.namespace}:{name}")
        return self.known(f"system:serviceaccount:{self.kube.namespace}:{name}")

    def known(self, username: str) -> Account:
        """Somebody by user name."""
        made = Account(self.kube, username)
        self._accounts.append(made)
        return made

    def pair(self, listed: str) -> None:
        """Give the Namespace the annotation that pairs Secrets and repositories."""
        self.kube.kubectl(
            "annotate", "namespace", self.kube.namespace, "--overwrite", f"{names.ANNOTATION_SECRETS}={listed}"
        )

    def wait_launch_refused(self, build: str) -> None:
        """Wait until the policy of Jobs, as it was installed last, refuses the operator the Job of that build."""
        with closing(Account(self.kube, self.operator)) as operator:
            job = job_of(self.kube.build(build))
            refused = ("spec.runner", "a Secret of this build")
            until(
                lambda: any(words in operator.refusal_of_job(job) for words in refused),
                seconds=30,
                what=f"the launch of {build} is refused",
            )

    def drop_connections(self) -> None:
        """Close those of the accounts and of the namespace's own client."""
        self.kube.drop_connections()
        for account in self._accounts:
            account.drop_connections()

    def remove(self) -> None:
        """Take all of it back."""
        self._apply("delete", "--ignore-not-found", "--wait=false")
        for account in self._accounts:
            account.close()

    def _apply(self, *verb: str) -> None:
        if self._applied:
            bundle = {"apiVersion": "v1", "kind": "List", "items": self._applied}
            self.kube.kubectl(*verb, "-f", "-", stdin=json.dumps(bundle))


@contextmanager
def policies_of(kube: Kube, values: Mapping[str, Any] | None = None, *, home: str = "") -> Iterator[Policies]:
    """The chart's policies in force for ``kube``'s namespace; gone when the block ends.

    The operator's own namespace is ``home``, ``kube``'s unless given; it need not exist.
    """
    made = Policies(kube, home or kube.namespace)
    with lasting(made.drop_connections):
        try:
            made.install(values)
            yield made
        finally:
            made.remove()


def a_job(name: str, *, labels: Mapping[str, str] | None = None, **spec: Any) -> Object:
    """A Job that could be taken for a build's, suspended; ``labels`` in place of the operator's."""
    ours = {names.LABEL_MANAGED_BY: names.OPERATOR_NAME, names.LABEL_BUILD: name, names.LABEL_UID: "invented"}
    pod = {"restartPolicy": "Never", "containers": [{"name": "runner", "image": "busybox"}]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": dict(ours if labels is None else labels)},
        "spec": {"suspend": True, "template": {"spec": pod}, **spec},
    }


def job_of(build: Object) -> Any:
    """The Job that the operator makes of a stored build."""
    metadata = build["metadata"]
    return job_manifest(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        spec=PublishBuildSpec.model_validate(build["spec"]),
        default_image="publishbuild-runner:0.1.0",
    )


def _component(one: Object) -> str:
    return str((one["metadata"].get("labels") or {}).get("app.kubernetes.io/component", ""))


def _said(call: Any, *arguments: Any, **how: Any) -> str:
    try:
        call(*copy.deepcopy(arguments), **how)
    except client.ApiException as refused:
        message: str = json.loads(refused.body or "{}")["message"]
        return message
    return ""
