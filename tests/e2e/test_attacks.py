"""Attacks on an installed chart, each tried for real; docs/security.md tells them row by row, by the names here.

The attacker may create PublishBuilds in one namespace, and runs whatever it likes in their pods.
"""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
import redis

from hack.demo.helm import IMAGES, Helm, merged
from tests.e2e.chart_release import BUILDS, OPERATOR, RELEASE, SECONDS, a_build
from tests.support.kube import Kube, Object
from tests.support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

FROM_A_POD = (Path(__file__).parent / "attack_from_a_pod.py").read_text()
OUTCOMES = {
    "token": "False",
    "root": "refused",
    "capabilities": "0000000000000000",
    "api-secrets": "403",
    "api-builds": "403",
    "callback-at-api": "401",
    "callback-own": "204",
    "redis-open": "-NOAUTH Authentication required.",
    "redis-default": "-WRONGPASS invalid username-password pair or user is disabled.",
    "callback-victim": "403",
    "callback-no-token": "401",
    "stop-victim": "403",
    "stop-no-token": "401",
    "callback-huge": "413",
    "callback-junk": "400",
    "traversal": "404",
    "callback-metrics": "404",
    "callback-queue": "404",
    # Known and told in docs/security.md: without a NetworkPolicy every pod may connect to the other port.
    "metrics": "200",
    "queue": "limit position,uid,reason,eta redis running time",
    "shell": "$(id) `id` $INJECTED {{ id }}",
}


@pytest.fixture(scope="module")
def from_inside(installed: Helm) -> dict[str, str]:
    """What a build's pod came to with each of its attempts; another build that runs is its victim."""
    installed.install(merged(IMAGES, {"replicas": 1}), seconds=SECONDS)
    kubectl = installed.kubectl
    victim = a_build("victim", "trap exit TERM; sleep 600 & wait", concurrencyKey="victim")
    kubectl("-n", BUILDS, "apply", "-f", "-", stdin=json.dumps(victim))
    kubectl("-n", BUILDS, "wait", "--for=jsonpath={.status.phase}=Running", "pb/victim", "--timeout=90s")
    uid = kubectl.get("-n", BUILDS, "pb", "victim")["metadata"]["uid"]
    kubectl("-n", BUILDS, "apply", "-f", "-", stdin=json.dumps(a_build("waits", concurrencyKey="victim")))
    operator = f"{RELEASE}.{OPERATOR}.svc"
    target = f"http://{operator}:8081/v1/builds/{uid}"
    command = ["python", "-c", FROM_A_POD, f"{RELEASE}-redis.{OPERATOR}.svc", target, f"http://{operator}:8080"]
    env = [
        {"name": "PUBLISHBUILD_UID", "value": uid},
        {"name": "INJECTED", "value": OUTCOMES["shell"]},
    ]
    attacker = a_build("attacker", runner={"command": command, "env": env}, backoffLimit=0)
    kubectl("-n", BUILDS, "apply", "-f", "-", stdin=json.dumps(attacker))
    kubectl("-n", BUILDS, "wait", "--for=condition=Succeeded", "pb/attacker", "--timeout=90s")
    said = kubectl("-n", BUILDS, "logs", "-l", "publishbuild.dev/build=attacker", "--tail=-1")
    found: dict[str, str] = json.loads(said.splitlines()[-1])
    own = kubectl.get("-n", BUILDS, "pb", "attacker")["metadata"]["uid"]
    assert found.pop("own-uid") == own, "spec.runner.env replaced a variable of the operator"
    kubectl("-n", BUILDS, "delete", "pb", "--all", "--timeout=60s")
    return found


@pytest.mark.parametrize("attempt", OUTCOMES)
def test_from_a_builds_pod(from_inside: dict[str, str], attempt: str) -> None:
    """What a build's pod tries against API server, Redis, operator, node and other builds comes to nothing."""
    assert from_inside[attempt] == OUTCOMES[attempt]


REFUSED = [
    pytest.param({"runner": {"serviceAccountName": "admin"}}, "is not among default", id="service-account"),
    pytest.param({"runner": {"hostNetwork": True}}, "unknown field", id="host-network"),
    pytest.param({"runner": {"securityContext": {"privileged": True}}}, "unknown field", id="privileged"),
    pytest.param({"runner": {"volumes": [{"hostPath": {"path": "/"}}]}}, "unknown field", id="host-path"),
    pytest.param({"runner": {"envFrom": [{"secretRef": {"name": "x"}}]}}, "unknown field", id="env-from"),
    pytest.param({"credentialsSecretRef": {"name": "x", "namespace": OPERATOR}}, "unknown field", id="other-namespace"),
    pytest.param({"credentialsSecretRef": {"name": "../kube-system/x"}}, "name of a Kubernetes object", id="path-name"),
    pytest.param({"source": {"git": {"url": "ext::sh -c id"}}}, "must be an https://", id="git-transport"),
    pytest.param(
        {"source": {"git": {"url": "https://a/b", "revision": "--upload-pack=id"}}},
        "cannot start with '-'",
        id="git-option",
    ),
    pytest.param(
        {"source": {"git": {"url": "https://a/b", "path": "../../etc"}}}, "'..' is not allowed", id="git-path"
    ),
    pytest.param({"concurrencyKey": "a\nFLUSHALL\n"}, "cannot hold spaces", id="redis-line"),
    pytest.param({"profile": "a; id"}, "must be a profile", id="shell-profile"),
    pytest.param({"priority": 10**6}, "less than or equal to 1000", id="priority"),
    pytest.param({"runTimeoutSeconds": 10**9}, "less than or equal to 604800", id="forever"),
]


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(("spec", "says"), REFUSED)
def test_refused_at_apply(builds: Kube, spec: Object, says: str) -> None:
    """A spec that reaches for more than a build is refused by the API server, and says why."""
    assert says in builds.refusal(a_build("attack", **spec))


@pytest.fixture(scope="module")
def submitter(installed: Helm) -> str:
    """The user name of an account that may create PublishBuilds and no Jobs; one Secret is paired with a repository."""
    kubectl = installed.kubectl
    kubectl("-n", BUILDS, "create", "serviceaccount", "submitter")
    bound = ("--clusterrole=publishbuild-submitter", f"--serviceaccount={BUILDS}:submitter")
    kubectl("-n", BUILDS, "create", "rolebinding", "submitter", *bound)
    kubectl("annotate", "namespace", BUILDS, "--overwrite", "publishbuild.dev/secrets=expo https://github.com/acme/")
    return f"system:serviceaccount:{BUILDS}:submitter"


def said_to(builds: Kube, who: str, manifest: Object) -> str:
    """What the API server says against ``manifest`` of that user, "" if it takes it; nothing is stored."""
    create = ("create", "--dry-run=server", "--as", who, "-f", "-")
    return builds.kubectl(*create, stdin=json.dumps(manifest), check=False).stderr


def of_acme(url: str = "https://github.com/acme/app.git", **spec: Any) -> Object:
    """A build that names no field of the runner."""
    source = {"source": {"git": {"url": url}}}
    return {k: v for k, v in a_build("deputy").items() if k != "spec"} | {"spec": source | spec}


EVIL = {"valueFrom": {"secretKeyRef": {"name": "any", "key": "any"}}}
DEPUTY = [
    pytest.param({"runner": {"env": [{"name": "STOLEN", **EVIL}]}}, "spec.runner.env: not allowed", id="deputy-env"),
    pytest.param({"runner": {"command": ["env"]}}, "spec.runner.command: not allowed", id="deputy-command"),
    pytest.param({"runner": {"image": "evil"}}, "spec.runner.image: not allowed", id="deputy-image"),
    pytest.param({"runner": {"tolerations": [{"operator": "Exists"}]}}, "not allowed", id="deputy-node"),
    pytest.param({"credentialsSecretRef": {"name": "other"}}, "other may not be used", id="deputy-secret"),
    pytest.param(
        {"url": "https://github.com/mallory/app.git", "credentialsSecretRef": {"name": "expo"}},
        "expo may not be used",
        id="deputy-repository",
    ),
    pytest.param(
        {"url": "https://github.com/acme/../mallory/app.git", "credentialsSecretRef": {"name": "expo"}},
        "expo may not be used",
        id="deputy-dots",
    ),
]


@pytest.mark.parametrize(("spec", "says"), DEPUTY)
def test_an_account_without_jobs_gains_nothing(builds: Kube, submitter: str, spec: Any, says: str) -> None:
    """Whoever may create builds and no Jobs reaches no Secret, image, command or node by a build."""
    until(lambda: not said_to(builds, submitter, of_acme()), seconds=30, what="the account has its rights")
    paired = of_acme(credentialsSecretRef={"name": "expo"})
    until(lambda: not said_to(builds, submitter, paired), seconds=30, what="the pair is seen")
    assert says in said_to(builds, submitter, of_acme(**spec))


def test_ghost_jobs_are_refused(builds: Kube, installed: Helm) -> None:
    """A Job with the operator's labels is refused to the admin, and with the operator's account each other Job is."""
    pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox"}]}
    labels = {"app.kubernetes.io/managed-by": "publishbuild-operator", "publishbuild.dev/uid": "invented"}
    job: Any = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "ghost", "labels": labels},
        "spec": {"suspend": True, "template": {"spec": pod}},
    }
    create = ("create", "--dry-run=server", "-f", "-")
    assert "create a PublishBuild" in builds.kubectl(*create, stdin=json.dumps(job), check=False).stderr
    del job["metadata"]["labels"]
    [account] = installed.kubectl.get("serviceaccounts", "-l", "app.kubernetes.io/component=operator")["items"]
    who = f"system:serviceaccount:{OPERATOR}:{account['metadata']['name']}"
    assert "the operator makes Jobs of builds alone" in said_to(builds, who, job)


def test_fields_past_the_schema_reach_no_pod(installed: Helm, builds: Kube) -> None:
    """Sent without validation, fields of the host, of privileges and a status of one's own are dropped."""
    evil: Any = {
        "hostNetwork": True,
        "hostPID": True,
        "securityContext": {"privileged": True},
        "automountServiceAccountToken": True,
        "volumes": [{"name": "host", "hostPath": {"path": "/"}}],
    }
    manifest = a_build("evil", runner=evil) | {"status": {"phase": "Succeeded", "attempts": 7}}
    installed.kubectl("-n", BUILDS, "create", "--validate=false", "-f", "-", stdin=json.dumps(manifest))
    builds.wait_phase("evil", "Succeeded", seconds=60)
    assert builds.build("evil")["status"]["attempts"] == 1
    [job] = builds.jobs_of("evil")
    text = json.dumps(job)
    assert not re.search(r'"host(Network|PID|Path)"|"privileged"', text)
    assert job["spec"]["template"]["spec"]["automountServiceAccountToken"] is False


def test_a_secret_of_another_namespace_stays_there(installed: Helm, builds: Kube) -> None:
    """A variable that names a Secret of the operator's namespace finds none: the pod never starts."""
    source = {"secretKeyRef": {"name": f"{RELEASE}-redis", "key": "url", "namespace": OPERATOR}}
    assert installed.kubectl.get("secret", f"{RELEASE}-redis")
    builds.kubectl_apply(a_build("thief", runner={"env": [{"name": "STOLEN", "valueFrom": source}]}))

    def reason() -> bool:
        pods = [pod for pod in builds.pods() if pod["metadata"]["name"].startswith("pb-thief-")]
        return "CreateContainerConfigError" in json.dumps(pods)

    until(reason, seconds=60, what="the pod has no such Secret")


def test_names_and_keys_are_data(installed: Helm, builds: Kube) -> None:
    """Keys that look like Redis's own, like patterns or like JSON neither disturb the queue nor forge a line of log."""
    keys = ["{publishbuild}:epoch", "*", "a:b", "a", '"}\\u000a{"level":"critical"}', "$(id)"]
    builds.kubectl_apply(*[a_build(f"key-{n}", concurrencyKey=key) for n, key in enumerate(keys)])
    # Refused by the API server in words that come from the spec.
    builds.kubectl_apply(a_build("forged", runner={"podAnnotations": {'x"}\n{"level":"critical"}': "y"}}))
    for n in range(len(keys)):
        builds.wait_phase(f"key-{n}", "Succeeded", seconds=90)
    builds.wait_phase("forged", "Failed", seconds=60)
    log = installed.kubectl("logs", f"deploy/{RELEASE}")
    lines = [json.loads(line) for line in log.splitlines()]
    assert "critical" not in {line["level"] for line in lines}


def test_a_stolen_password_opens_only_the_queue(installed: Helm) -> None:
    """With the operator's password Redis refuses administration, listing, files and foreign keys, also by script."""
    secret = installed.kubectl.get("secret", f"{RELEASE}-redis")["data"]
    address = installed.kubectl.get("service", f"{RELEASE}-redis")["spec"]["clusterIP"]
    client: Any = redis.Redis(
        host=address, username="publishbuild", password=base64.b64decode(secret["password"]).decode()
    )
    for command in (
        ("FLUSHALL",),
        ("KEYS", "*"),
        ("CONFIG", "SET", "dir", "/data"),
        ("ACL", "LIST"),
        ("SAVE",),
        ("MODULE", "LOAD", "/x.so"),
        ("REPLICAOF", "host", "1"),
        ("GET", "another:key"),
        ("EVAL", "return redis.call('KEYS', '*')", "0"),
    ):
        with pytest.raises(redis.exceptions.ResponseError, match=r"no permissions|can't run this command|not allowed"):
            client.execute_command(*command)
    client.close()


@pytest.mark.parametrize(
    ("verb", "resource"),
    [
        ("get", "secrets"),
        ("list", "secrets"),
        ("create", "pods"),
        ("create", "pods/exec"),
        ("get", "pods/log"),
        ("patch", "pods"),
        ("create", "publishbuilds.publishbuild.dev"),
        ("delete", "publishbuilds.publishbuild.dev"),
        ("update", "publishbuilds.publishbuild.dev"),
        ("create", "rolebindings.rbac.authorization.k8s.io"),
        ("create", "serviceaccounts/token"),
        ("impersonate", "users"),
        ("patch", "namespaces"),
        ("create", "deployments.apps"),
    ],
)
def test_the_operators_account_may_not(builds: Kube, installed: Helm, verb: str, resource: str) -> None:
    """Whoever takes over the operator's account gains none of these, in its own namespace or in that of builds."""
    [account] = installed.kubectl.get("serviceaccounts", "-l", "app.kubernetes.io/component=operator")["items"]
    who = f"system:serviceaccount:{OPERATOR}:{account['metadata']['name']}"
    for namespace in (BUILDS, OPERATOR):
        asked = builds.kubectl("-n", namespace, "auth", "can-i", verb, resource, "--as", who, check=False)
        assert asked.stdout.strip() == "no"


def test_a_huge_spec_is_refused(builds: Kube) -> None:
    """A spec of several megabytes is refused by the API server."""
    env = [{"name": f"A{n}", "value": "x" * 32_000} for n in range(200)]
    refused = builds.kubectl("create", "-f", "-", stdin=json.dumps(a_build("huge", runner={"env": env})), check=False)
    assert re.search(r"too large|exceeds", refused.stderr)


def test_a_yaml_bomb_is_refused(builds: Kube) -> None:
    """Nine levels of aliases are refused before they are unfolded."""
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    bomb = "\n".join(["a0: &a0 [x, x, x, x, x, x, x, x, x]", *levels, "kind: PublishBuild"])
    refused = builds.kubectl("create", "-f", "-", stdin=bomb, check=False)
    assert "excessive aliasing" in refused.stderr
