"""The rights that the chart grants against the requests that the code makes: none is missing, none is too many."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Coroutine, Iterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from publishbuild import names
from publishbuild.cluster.api import Api
from publishbuild.cluster.leases import Leases
from publishbuild.cluster.objects import BUILDS, JOBS, NAMESPACES, PODS, Cluster
from publishbuild.cluster.token_reviews import TokenReviews
from publishbuild.handlers import registry
from tests.support.chart import NAMESPACE, Object, of_kind, rendered

Right = tuple[str, str, str, str]
"""Where ("" for the whole cluster), API group, resource, verb."""

VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
PATH = re.compile(
    r"/api(?:s/(?P<group>[^/]+))?/v[0-9a-z]+(?:/namespaces/(?P<namespace>[^/]+))?/(?P<resource>[a-z]+)"
    r"(?:/(?P<name>[^/]+))?(?P<sub>/status)?"
)
A_BUILD: Object = {"metadata": {"name": "b", "namespace": "builds", "uid": "u", "resourceVersion": "1"}, "spec": {}}


class AskedApi:
    """Notes what a request needs, and answers with whatever its caller goes on with."""

    def __init__(self) -> None:
        self.rights: set[Right] = set()

    async def lines(self, path: str, *, query: Object, **_: Any) -> AsyncIterator[bytes]:
        found = PATH.fullmatch(path)
        assert found, path
        assert query["watch"]
        self.rights.add((found["namespace"] or "", found["group"] or "", found["resource"], "watch"))
        yield b'{"type": "BOOKMARK", "object": {}}'

    async def request(self, verb: str, path: str, **_: Any) -> Object:
        own = re.fullmatch(r"/api/v1/namespaces(?:/(?P<name>[^/]+))?", path)
        if own:
            # The authorizer takes a Namespace as lying in itself.
            self.rights.add((own["name"] or "", "", NAMESPACES, "get" if own["name"] else "list"))
        else:
            found = PATH.fullmatch(path)
            assert found, path
            resource = found["resource"] + (found["sub"] or "")
            done = VERBS.get(verb) or ("get" if found["name"] else "list")
            self.rights.add((found["namespace"] or "", found["group"] or "", resource, done))
        return {"items": [], "metadata": {"resourceVersion": "1"}}


async def ask_everything(api: Api, watched: tuple[str, ...]) -> None:
    """Each request of `Cluster`, `TokenReviews` and `Leases` once, as `service` does; a new method is added here."""
    cluster = Cluster(api, watched)
    where = watched[0] if watched else "builds"
    asked: dict[str, list[Coroutine[Any, Any, Any]]] = {
        "list_all": [cluster.list_all(resource) for resource in (BUILDS, JOBS, PODS)],
        "changes": [_all(cluster.changes(resource, where if watched else "", 1)) for resource in (JOBS, PODS)],
        "namespaces": [cluster.namespaces(NAMESPACE)],
        "probe": [cluster.probe()],
        "get_build": [cluster.get_build(where, "b")],
        "get_job": [cluster.get_job(where, "j")],
        "pods_of": [cluster.pods_of(where, "u")],
        "create_job": [cluster.create_job(where, {})],
        "set_job_ttl": [cluster.set_job_ttl(where, "j", 1)],
        "delete_job": [cluster.delete_job(where, "j", "u")],
        "write_status": [
            cluster.write_status({**A_BUILD, "metadata": {**A_BUILD["metadata"], "namespace": where}}, {})
        ],
        "post_event": [cluster.post_event({"metadata": {"namespace": where}})],
    }
    assert set(asked) == {name for name in vars(Cluster) if not name.startswith("_")}
    await TokenReviews(api).review("a-token")
    assert {name for name in vars(TokenReviews) if not name.startswith("_")} == {"review"}
    leases = Leases(api, NAMESPACE, names.OPERATOR_NAME)
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    wanted: dict[str, list[Coroutine[Any, Any, Any]]] = {
        "get": [leases.get()],
        "create": [leases.create("me", moment)],
        "replace": [leases.replace({})],
    }
    assert set(wanted) == {name for name in vars(Leases) if not name.startswith("_")}
    for calls in (*asked.values(), *wanted.values()):
        for call in calls:
            await call


async def _all(changes: AsyncIterator[Any]) -> None:
    async for _ in changes:
        pass


def watches(watched: tuple[str, ...]) -> Iterator[Right]:
    """kopf lists and watches each resource that has a handler."""
    handlers = registry(lambda *_: None, clusterwide=not watched)._watching.get_all_handlers()
    for handler in handlers:
        selector = handler.selector
        assert selector is not None
        for where in watched or ("",):
            for verb in ("list", "watch"):
                yield where, selector.group or "", str(selector.plural or selector.any_name), verb


def needed(watched: tuple[str, ...]) -> set[Right]:
    """What the code asks for."""
    api = AskedApi()
    asyncio.run(ask_everything(cast("Api", api), watched))
    everywhere = {
        (where if watched or resource == "leases" else "", group, resource, verb)
        for where, group, resource, verb in api.rights
    }
    # Requests of one build were asked in the first namespace alone.
    of_builds = {BUILDS, f"{BUILDS}/status", JOBS, PODS, "events"}
    builds = {right for right in everywhere if right[2] in of_builds}
    return everywhere | {(where, *right[1:]) for where in watched for right in builds} | set(watches(watched))


def granted(objects: list[Object]) -> set[Right]:
    """What the chart's roles give to the operator's service account."""
    roles = {(r["kind"], r["metadata"].get("namespace", ""), r["metadata"]["name"]): r for r in objects if "rules" in r}
    made: set[Right] = set()
    for binding in (*of_kind(objects, "RoleBinding"), *of_kind(objects, "ClusterRoleBinding")):
        assert binding["subjects"] == [
            {"kind": "ServiceAccount", "name": "publishbuild-operator", "namespace": NAMESPACE}
        ]
        where = binding["metadata"].get("namespace", "")
        ref = binding["roleRef"]
        role = roles[ref["kind"], where if ref["kind"] == "Role" else "", ref["name"]]
        for rule in role["rules"]:
            for group in rule["apiGroups"]:
                made |= {(where, group, resource, verb) for resource in rule["resources"] for verb in rule["verbs"]}
    return made


@pytest.mark.parametrize("watched", [(), ("mobile", "web"), (NAMESPACE,), (NAMESPACE, "web")])
def test_granted_is_what_the_code_asks_for(watched: tuple[str, ...]) -> None:
    """Each verb that the code uses is granted, and no other, for all namespaces and for named ones."""
    assert granted(rendered({"watchNamespaces": list(watched)})) == needed(watched)


@pytest.mark.parametrize("watched", [[], ["mobile"]])
@pytest.mark.parametrize("values", [{"rbac": {"tokenReviews": False}}, {"callback": {"enabled": False}}])
def test_token_reviews_can_be_left_out(values: Object, watched: list[str]) -> None:
    """Who may grant nothing of the whole cluster installs without TokenReviews, and so does who hears no pods."""
    objects = rendered({"watchNamespaces": watched, **values})
    assert not any(resource == "tokenreviews" for _, _, resource, _ in granted(objects))
    assert "callback" not in {o["metadata"]["name"].rpartition("-")[2] for o in objects}


def test_secrets_are_out_of_reach() -> None:
    """No role of the chart names Secrets, or anything by a wildcard."""
    for values in ({}, {"watchNamespaces": ["mobile"]}):
        roles = [o for o in rendered(values) if "rules" in o]
        assert roles
        words = [word for role in roles for rule in role["rules"] for kind in rule.values() for word in kind]
        assert not {"secrets", "*"} & set(words)
