"""The real API server as a test sees it, from outside the operator."""

from __future__ import annotations

import json
import subprocess
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

from kubernetes import client, config, watch
from urllib3.exceptions import HTTPError

from publishbuild import names
from tests.support.cluster import KUBECTL
from tests.support.waiting import until

Object = dict[str, Any]
_APPLY = "application/apply-patch+yaml"


@dataclass
class Kube:
    """One namespace of a real cluster."""

    kubeconfig: Path
    kubectl_path: Path
    namespace: str
    # The generated client is not typed.
    _api: Any = field(init=False)

    def __post_init__(self) -> None:
        self._api = _untyped(config).new_client_from_config(str(self.kubeconfig))
        self.builds: Any = client.CustomObjectsApi(self._api)
        self.batch: Any = client.BatchV1Api(self._api)
        self.core: Any = client.CoreV1Api(self._api)

    def close(self) -> None:
        self._api.close()
        self.drop_connections()

    def drop_connections(self) -> None:
        """Close what is open; the next request connects anew."""
        self._api.rest_client.pool_manager.clear()

    def create_namespace(self) -> None:
        self._ask("POST", "/api/v1/namespaces", {"metadata": {"name": self.namespace}})

    def delete_namespace(self) -> None:
        """Ask for its end, and do not wait for it."""
        self._ask("DELETE", f"/api/v1/namespaces/{self.namespace}")

    def kubectl(
        self, *arguments: str, stdin: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        command = self._command(*arguments)
        return subprocess.run(command, input=stdin, text=True, capture_output=True, check=check, timeout=120)

    def popen(self, *arguments: str) -> subprocess.Popen[str]:
        """A ``kubectl`` that goes on beside the test; its output is read by ``communicate``."""
        return subprocess.Popen(self._command(*arguments), text=True, stdout=subprocess.PIPE)

    def _command(self, *arguments: str) -> list[str]:
        return [str(self.kubectl_path), "--kubeconfig", str(self.kubeconfig), "-n", self.namespace, *arguments]

    def apply(self, *builds: Object) -> None:
        """Apply PublishBuilds one after the other, as ``kubectl apply --server-side`` does."""
        how = "fieldManager=kubectl&force=true&fieldValidation=Strict"
        for build in builds:
            self._ask("PATCH", f"{self._builds}/{build['metadata']['name']}?{how}", build, _APPLY)

    def kubectl_apply(self, *objects: Object, check: bool = True) -> subprocess.CompletedProcess[str]:
        """``kubectl apply`` of all objects in one call, as a user does."""
        stdin = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        return self.kubectl("apply", "-f", "-", stdin=stdin, check=check)

    def refusal(self, manifest: Object) -> str:
        """What the API server says against a new resource, "" where it takes it; nothing is stored."""
        try:
            self.builds.create_namespaced_custom_object(
                names.GROUP,
                names.VERSION,
                self.namespace,
                names.PLURAL,
                manifest,
                dry_run="All",
                field_validation="Strict",
            )
        except client.ApiException as refused:
            message: str = json.loads(refused.body or "{}")["message"]
            return message
        return ""

    def build(self, name: str) -> Object:
        return self._ask("GET", f"{self._builds}/{name}")

    def all_builds(self) -> list[Object]:
        return self._listed(self._builds)

    def jobs(self) -> list[Object]:
        return self._listed(f"/apis/batch/v1/namespaces/{self.namespace}/jobs")

    def jobs_of(self, build: str) -> list[Object]:
        """The Jobs of the build of that name; those of builds that were deleted may outlast them for a while."""
        return [job for job in self.jobs() if job["metadata"]["labels"][names.LABEL_BUILD] == build]

    def pods(self) -> list[Object]:
        return self._listed(f"/api/v1/namespaces/{self.namespace}/pods")

    def pods_of(self, build: str) -> list[Object]:
        """The pods of the build of that name; those of builds that were deleted may outlast them for a while."""
        return [pod for pod in self.pods() if pod["metadata"]["labels"].get(names.LABEL_BUILD) == build]

    def pod_token(self, pod: Object, *, audience: str = names.CALLBACK_AUDIENCE, bound: bool = True) -> str:
        """A token as the kubelet gets it for the pod; one of its service account alone where it is not ``bound``."""
        metadata, account = pod["metadata"], pod["spec"]["serviceAccountName"]
        to = {"kind": "Pod", "apiVersion": "v1", "name": metadata["name"], "uid": metadata["uid"]}
        spec = {"audiences": [audience], "expirationSeconds": 600} | ({"boundObjectRef": to} if bound else {})
        path = f"/api/v1/namespaces/{metadata['namespace']}/serviceaccounts/{account}/token"
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        token: str = self._ask("POST", path, request)["status"]["token"]
        return token

    def patch_spec(self, name: str, **fields: Any) -> None:
        self.builds.patch_namespaced_custom_object(
            names.GROUP, names.VERSION, self.namespace, names.PLURAL, name, {"spec": fields}
        )

    def delete_build(self, name: str) -> None:
        self.builds.delete_namespaced_custom_object(names.GROUP, names.VERSION, self.namespace, names.PLURAL, name)

    @property
    def _builds(self) -> str:
        return f"/apis/{names.API_VERSION}/namespaces/{self.namespace}/{names.PLURAL}"

    def _listed(self, path: str) -> list[Object]:
        items: list[Object] = self._ask("GET", path)["items"]
        return items

    def _ask(self, verb: str, path: str, body: Object | None = None, kind: str = "application/json") -> Object:
        """One request without the generated client's models, which cost more than the API server's work.

        Raises:
            client.ApiException: where it was refused.
        """
        configuration = self._api.configuration
        headers = {"Accept": "application/json", "Content-Type": kind} | {
            entry["key"]: entry["value"] for entry in configuration.auth_settings().values()
        }
        sent = None if body is None else json.dumps(body)
        answer = self._api.rest_client.pool_manager.request(
            verb, f"{configuration.host}{path}", body=sent, headers=headers, timeout=60
        )
        if answer.status >= HTTPStatus.BAD_REQUEST:
            refused = client.ApiException(status=answer.status, reason=answer.reason)
            refused.body = answer.data.decode()
            raise refused
        found: Object = json.loads(answer.data)
        return found

    def wait_phase(self, name: str, *phases: str, seconds: float = 30) -> Object:
        """The build once it is in one of ``phases``."""

        def look() -> Object | None:
            build = self.build(name)
            return build if build.get("status", {}).get("phase") in phases else None

        return until(look, seconds=seconds, what=f"{name} in {phases}")

    def wait_all_ended(self, count: int, *, seconds: float) -> list[Object]:
        """All builds once there are ``count`` and each has ended."""

        def look() -> list[Object] | None:
            builds = self.all_builds()
            ended = [build for build in builds if condition(build, "Succeeded").get("status") in {"True", "False"}]
            return builds if len(ended) == count == len(builds) else None

        return until(look, seconds=seconds, what=f"{count} builds ended", pause=0.2)


@contextmanager
def own_namespace(kubeconfig: Path) -> Iterator[Kube]:
    """A namespace that is deleted when the block ends."""
    made = Kube(kubeconfig, KUBECTL, f"t-{uuid.uuid4().hex[:12]}")
    try:
        made.create_namespace()
        yield made
        made.delete_namespace()
    finally:
        made.close()


def condition(obj: Object, kind: str) -> Object:
    """The condition of that type, or an empty one."""
    conditions = obj.get("status", {}).get("conditions") or ()
    return next((c for c in conditions if c["type"] == kind), {})


def _untyped(module: Any) -> Any:
    return module


class JobRecorder:
    """Every Job ever seen in a namespace, the order of their creation and the most that were live at once.

    It watches from outside the operator, with a connection of its own.
    """

    def __init__(self, kube: Kube) -> None:
        self._kube = Kube(kube.kubeconfig, kube.kubectl_path, kube.namespace)
        self._stopped = threading.Event()
        self._live: set[str] = set()
        self.uids: set[str] = set()
        self.created: list[str] = []
        self.most_live = 0
        self._error: Exception | None = None
        self._watch = _untyped(watch).Watch()
        self._thread = threading.Thread(target=self._record, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._watch.stop()
        self._thread.join(10)
        self._kube.close()
        assert self._error is None, f"the recorder stopped watching: {self._error}"

    def of_build(self) -> dict[str, int]:
        """How many Jobs each build has ever had."""
        counts: dict[str, int] = {}
        for name in self.created:
            counts[name] = counts.get(name, 0) + 1
        return counts

    def _record(self) -> None:
        try:
            self._follow()
        except Exception as error:  # noqa: BLE001  # a recorder that ended unseen would agree with everything
            self._error = error

    def _follow(self) -> None:
        version = self._list()
        while not self._stopped.is_set():
            # From where the last stream ended, so that all is seen in the order in which it happened.
            try:
                for event in self._watch.stream(
                    self._kube.batch.list_namespaced_job,
                    self._kube.namespace,
                    resource_version=version,
                    timeout_seconds=2,
                    _request_timeout=10,
                ):
                    if event is None:
                        break  # cut in the middle of a line: it comes again
                    version = event["object"].metadata.resource_version
                    self._note(event["type"], event["object"])
            except HTTPError:
                continue  # cut, above all when the test ends
            except client.ApiException as error:
                if error.status != HTTPStatus.GONE:
                    raise
                version = self._list()

    def _list(self) -> str:
        """Take in what there is, at one moment: a list has no order in time."""
        listed = self._kube.batch.list_namespaced_job(self._kube.namespace)
        self._live = {job.metadata.uid for job in listed.items if not _has_ended(job)}
        for job in sorted(listed.items, key=lambda job: job.metadata.creation_timestamp):
            self._see(job)
        self.most_live = max(self.most_live, len(self._live))
        version: str = listed.metadata.resource_version
        return version

    def _note(self, kind: str, job: Any) -> None:
        if kind == "DELETED" or _has_ended(job):
            self._live.discard(job.metadata.uid)
        else:
            self._live.add(job.metadata.uid)
        if kind != "DELETED":
            self._see(job)
        self.most_live = max(self.most_live, len(self._live))

    def _see(self, job: Any) -> None:
        if job.metadata.uid not in self.uids:
            self.uids.add(job.metadata.uid)
            self.created.append(job.metadata.labels[names.LABEL_BUILD])


def _has_ended(job: Any) -> bool:
    return any(c.type in {"Complete", "Failed"} and c.status == "True" for c in job.status.conditions or ())
