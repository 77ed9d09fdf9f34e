"""Requests to an API server: each ends in a dict or in an `ApiError`, and lists are whole."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio import client as kube_client

from publishbuild.cluster.api import Api, ApiError
from publishbuild.cluster.connect import connect
from publishbuild.cluster.objects import BUILDS, JOBS, PODS, Cluster
from publishbuild.cluster.resync import Resync
from publishbuild.cluster.store import Store
from tests.builders import NOW, UID, a_build, a_job, a_pod


class Server:
    """Answers every request with the next of ``answers``, and notes what was asked."""

    def __init__(self) -> None:
        self.answers: list[web.Response] = []
        self.silent = False
        self.left = asyncio.Event()
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []
        self.counted: list[tuple[str, str, str]] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self.silent:
            return await self._say_one_line(request)
        body = await request.json() if request.can_read_body else None
        self.asked.append((request.method, request.path, dict(request.query), body))
        return self.answers.pop(0) if self.answers else web.json_response({})

    async def _say_one_line(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first\n")
        try:
            await asyncio.Event().wait()
        finally:
            self.left.set()
        return response

    def count(self, verb: str, resource: str, code: str) -> None:
        self.counted.append((verb, resource, code))


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def api(server: Server) -> AsyncIterator[Api]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    async with TestServer(app) as running:
        configuration = kube_client.Configuration()
        configuration.host = str(running.make_url("")).rstrip("/")
        made = Api(kube_client.ApiClient(configuration), server.count)
        yield made
        await made.close()


def a_list(*items: Any, version: int = 10, more: str = "") -> web.Response:
    return web.json_response(
        {"items": list(items), "metadata": {"resourceVersion": str(version)} | ({"continue": more} if more else {})}
    )


def a_status(code: int, reason: str, message: str, **headers: str) -> web.Response:
    return web.json_response({"kind": "Status", "reason": reason, "message": message}, status=code, headers=headers)


class TestAnswers:
    @pytest.mark.parametrize(
        ("answer", "status", "text"),
        [
            pytest.param(a_status(409, "Conflict", "modified"), 409, "409 Conflict: modified", id="conflict"),
            pytest.param(a_status(429, "TooManyRequests", "later"), 429, "429 TooManyRequests: later", id="too many"),
            pytest.param(web.Response(status=502, text="<html>bad"), 502, "502 : <html>bad", id="proxy"),
            pytest.param(web.Response(status=200, text="not JSON"), 200, "not JSON", id="200 that is no JSON"),
            pytest.param(web.json_response([1], status=200), 200, "the answer cannot be read", id="200 that is a list"),
            pytest.param(web.json_response("x", status=500), 500, "the answer cannot be read", id="500 that is text"),
            pytest.param(web.Response(status=504), 504, "504", id="empty"),
        ],
    )
    async def test_anything_but_success_is_an_api_error(
        self, api: Api, server: Server, answer: web.Response, status: int, text: str
    ) -> None:
        """Whatever an API server or a proxy answers ends in an ApiError with its words, and is counted."""
        server.answers = [answer]
        with pytest.raises(ApiError) as caught:
            await api.request("GET", "/x", resource="jobs")
        assert caught.value.status == status
        assert text in str(caught.value)
        assert server.counted == [("get", "jobs", str(status))]

    async def test_retry_after_is_read(self, api: Api, server: Server) -> None:
        """How long to wait is passed on where it is a number."""
        server.answers = [
            a_status(429, "TooManyRequests", "m", **{"Retry-After": "7"}),
            a_status(429, "TooManyRequests", "m", **{"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"}),
        ]
        waits = []
        for _ in range(2):
            with pytest.raises(ApiError) as caught:
                await api.request("GET", "/x", resource="jobs")
            waits.append(caught.value.retry_after)
        assert waits == [7.0, None]

    async def test_no_answer(self, server: Server) -> None:
        """An API server that is not there is status 0, counted as 0."""
        configuration = kube_client.Configuration()
        configuration.host = "http://127.0.0.1:1"
        api = Api(kube_client.ApiClient(configuration), server.count)
        with pytest.raises(ApiError) as caught:
            await api.request("GET", "/x", resource="jobs")
        await api.close()
        assert caught.value.status == 0
        assert str(caught.value).startswith("no answer")
        assert server.counted == [("get", "jobs", "0")]


class TestLines:
    async def lines(self, api: Api, **options: Any) -> list[bytes]:
        fixed: dict[str, Any] = {"resource": "pods", "query": {"watch": 1}, "silence_seconds": 30.0} | options
        return [line async for line in api.lines("/x", **fixed)]

    async def test_an_answer_comes_line_by_line(self, api: Api, server: Server) -> None:
        """Each line comes with its end, the last one also without, and the request is counted as a watch."""
        server.answers = [web.Response(text="one\ntwo\n\nlast")]
        assert await self.lines(api) == [b"one\n", b"two\n", b"\n", b"last"]
        assert server.counted == [("watch", "pods", "200")]

    async def test_a_refusal_is_an_api_error(self, api: Api, server: Server) -> None:
        """What the server refuses reads as in any other request."""
        server.answers = [a_status(410, "Expired", "too old")]
        with pytest.raises(ApiError, match="410 Expired: too old"):
            await self.lines(api)
        assert server.counted == [("watch", "pods", "410")]

    async def test_silence_ends_it(self, api: Api, server: Server) -> None:
        """A connection that is open and tells nothing is given up."""
        server.silent = True
        with pytest.raises(ApiError, match="no answer"):
            await self.lines(api, silence_seconds=0.1)

    async def test_who_stops_listening_closes_the_connection(self, api: Api, server: Server) -> None:
        """A stream that is left before its end does not go on behind the user's back."""
        server.silent = True
        async with aclosing(api.lines("/x", resource="pods", query={}, silence_seconds=30.0)) as lines:
            assert await anext(lines) == b"first\n"
        await asyncio.wait_for(server.left.wait(), 30)


class TestConnect:
    """Which cluster is meant, as kubectl reads it from a kubeconfig."""

    @staticmethod
    def kubeconfig(folder: Path, user: dict[str, Any]) -> str:
        clusters = [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}]
        contexts = [
            {"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "shop"}},
            {"name": "there", "context": {"cluster": "c", "user": "u"}},
        ]
        users = [{"name": "u", "user": user}]
        config = {"current-context": "here", "clusters": clusters, "contexts": contexts, "users": users}
        (folder / "kubeconfig").write_text(json.dumps(config))
        return str(folder / "kubeconfig")

    @pytest.mark.parametrize(("context", "namespace"), [(None, "shop"), ("there", "default")])
    async def test_the_context_names_the_namespace(self, tmp_path: Path, context: str | None, namespace: str) -> None:
        """The namespace is the context's, and `default` where it names none."""
        api = await connect(lambda *_: None, kubeconfig=self.kubeconfig(tmp_path, {}), context=context)
        assert (api.namespace, api.host) == (namespace, "http://127.0.0.1:1")
        await api.close()

    @pytest.mark.parametrize("context", [None, "nowhere"])
    async def test_what_is_not_there_is_named(self, tmp_path: Path, context: str | None) -> None:
        """A missing file, or a context that it does not hold, is told by its name."""
        file = self.kubeconfig(tmp_path, {}) if context else str(tmp_path / "none")
        with pytest.raises(ApiError, match=context or "none"):
            await connect(lambda *_: None, kubeconfig=file, context=context)

    async def test_a_token_that_ends_is_asked_for_again(self, tmp_path: Path) -> None:
        """A token that a program gives for a while is renewed, so that a watch may last for longer than it."""
        program = tmp_path / "token"
        program.write_text(
            "#!/bin/sh\n"
            f"echo x >> {tmp_path}/calls\n"
            'echo "{\\"apiVersion\\": \\"client.authentication.k8s.io/v1\\", \\"kind\\": \\"ExecCredential\\", '
            f'\\"status\\": {{\\"token\\": \\"t$(wc -l < {tmp_path}/calls | tr -d " ")\\", '
            '\\"expirationTimestamp\\": \\"2020-01-01T00:00:00Z\\"}}"\n'
        )
        program.chmod(0o700)
        user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(program)}}
        api = await connect(lambda *_: None, kubeconfig=self.kubeconfig(tmp_path, user))
        configuration = api._client.configuration
        tokens = [await configuration.get_api_key_with_prefix("BearerToken") for _ in range(2)]
        await api.close()
        assert tokens == ["Bearer t2", "Bearer t3"]


class TestCluster:
    async def test_a_long_list_is_read_to_its_end(self, api: Api, server: Server) -> None:
        """All pages of a list are taken in, each asked for by the token of the one before."""
        server.answers = [
            a_list(a_build(uid="a"), more="t1", version=12),
            a_list(a_build(uid="b"), more="t2", version=12),
            a_list(version=12),
        ]
        items, version = await Cluster(api).list_all(BUILDS)
        assert [item["metadata"]["uid"] for item in items] == ["a", "b"]
        assert version == 12
        assert [query.get("continue") for _, _, query, _ in server.asked] == [None, "t1", "t2"]
        assert {path for _, path, _, _ in server.asked} == {"/apis/publishbuild.dev/v1alpha1/publishbuilds"}

    async def test_a_list_is_read_oldest_first(self, api: Api, server: Server) -> None:
        """After a restart, builds enter the queue in the order in which they were made, whatever their names."""
        first, second = a_list(a_build(uid="b", version=7), more="t1"), a_list(a_build(uid="a", version=5))
        server.answers = [first, second]
        items, _ = await Cluster(api).list_all(BUILDS)
        assert [item["metadata"]["uid"] for item in items] == ["a", "b"]

    async def test_each_watched_namespace_is_listed(self, api: Api, server: Server) -> None:
        """With namespaces given, only those are asked, and the list is as old as the oldest of them."""
        server.answers = [a_list(a_job(), version=20), a_list(version=15)]
        items, version = await Cluster(api, ("a", "b")).list_all(JOBS)
        assert (len(items), version) == (1, 15)
        assert [path for _, path, _, _ in server.asked] == [
            "/apis/batch/v1/namespaces/a/jobs",
            "/apis/batch/v1/namespaces/b/jobs",
        ]
        assert server.asked[0][2]["labelSelector"] == "app.kubernetes.io/managed-by=publishbuild-operator"

    async def test_a_job_is_deleted_by_its_uid(self, api: Api, server: Server) -> None:
        """Only that very Job is deleted, its pods first; that it is gone is success."""
        server.answers = [web.json_response({}), a_status(404, "NotFound", "gone"), a_status(409, "Conflict", "uid")]
        cluster = Cluster(api)
        for _ in range(2):
            await cluster.delete_job("shop", "j", "uid-1")
        with pytest.raises(ApiError):
            await cluster.delete_job("shop", "j", "uid-1")
        assert server.asked[0] == (
            "DELETE",
            "/apis/batch/v1/namespaces/shop/jobs/j",
            {},
            {"propagationPolicy": "Foreground", "preconditions": {"uid": "uid-1"}},
        )

    async def test_what_is_not_there_is_none(self, api: Api, server: Server) -> None:
        """404 is an answer, any other error is none."""
        server.answers = [a_status(404, "NotFound", "m"), a_status(404, "NotFound", "m"), a_status(500, "", "m")]
        cluster = Cluster(api)
        assert await cluster.get_build("shop", "x") is None
        assert await cluster.get_job("shop", "x") is None
        with pytest.raises(ApiError):
            await cluster.get_job("shop", "x")

    async def test_a_status_write_names_the_version_that_it_was_made_from(self, api: Api, server: Server) -> None:
        """The status goes to the subresource with uid and resourceVersion, so that it never hits another build."""
        await Cluster(api).write_status(a_build(version=7), {"phase": "Queued"})
        method, path, _, body = server.asked[0]
        assert (method, path) == ("PUT", "/apis/publishbuild.dev/v1alpha1/namespaces/shop/publishbuilds/app-1/status")
        assert body["metadata"] == {"name": "app-1", "namespace": "shop", "uid": UID, "resourceVersion": "7"}
        assert body["status"] == {"phase": "Queued"}

    async def test_pods_are_asked_for_by_uid(self, api: Api, server: Server) -> None:
        """The pods of one build are those with its uid."""
        server.answers = [a_list(a_pod(1))]
        assert len(await Cluster(api).pods_of("shop", UID)) == 1
        assert server.asked[0][2] == {"labelSelector": f"publishbuild.dev/uid={UID}"}


class TestResync:
    async def test_jobs_are_known_before_builds(self, api: Api, server: Server) -> None:
        """A build that has a Job is never looked at as if it had none."""
        rung: list[tuple[str, bool]] = []
        store = Store(lambda: NOW, lambda uid: rung.append((uid, store.job(uid) is not None)))
        server.answers = [a_list(a_job()), a_list(a_pod(1)), a_list(a_build())]
        await Resync(Cluster(api), store, seconds=300, clock=lambda: 5.0).first()
        assert rung
        assert all(job for _, job in rung)
        assert len(store.pods(UID)) == 1

    async def test_success_is_dated(self, api: Api, server: Server) -> None:
        """When the API server answered last is known after a list and after a watch's event."""
        now = [5.0]
        resync = Resync(Cluster(api), Store(lambda: NOW, lambda _: None), seconds=300, clock=lambda: now[0])
        assert resync.last_success is None
        server.answers = [a_list(), a_list(), a_list()]
        await resync.first()
        assert resync.last_success == 5.0
        now[0] = 9.0
        resync.heard()
        assert resync.last_success == 9.0

    async def test_a_long_list_holds_the_loop_for_a_bounded_time(self, api: Api, server: Server) -> None:
        """However much each object costs, everything else has a turn once 10 ms have passed."""
        now, taken, seen = [0.0], list[str](), [0]

        def cost(uid: str) -> None:
            now[0] += 0.004
            taken.append(uid)

        async def other() -> None:
            while True:
                seen.append(len(taken))
                await asyncio.sleep(0)

        server.answers = [a_list(*(a_build(name=f"b-{n}", uid=f"uid-{n}") for n in range(30)))]
        watcher = asyncio.create_task(other())
        await Resync(Cluster(api), Store(lambda: NOW, cost), seconds=300, clock=lambda: now[0]).list(BUILDS)
        watcher.cancel()
        assert len(taken) == 30
        assert max(after - before for before, after in pairwise([*seen, len(taken)])) <= 3

    async def test_a_failed_list_forgets_nothing(self, api: Api, server: Server) -> None:
        """A list that fails, at whatever page, takes nothing out of the store and is not a success."""
        store = Store(lambda: NOW, lambda _: None)
        store.apply(JOBS, a_job())
        store.apply(PODS, a_pod(1))
        server.answers = [a_list(more="t"), a_status(410, "Expired", "the token is too old")]
        resync = Resync(Cluster(api), store, seconds=300, clock=lambda: 5.0)
        assert not await resync._try()
        assert store.job(UID) is not None
        assert resync.last_success is None

    async def test_a_start_waits_for_the_crd(self, api: Api, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where the CRD is not there yet, the first list is tried until it is, with growing pauses."""
        pauses: list[float] = []

        async def pause(seconds: float) -> None:
            pauses.append(seconds)

        monkeypatch.setattr(asyncio, "sleep", pause)
        missing = [a_list(), a_list(), a_status(404, "NotFound", "no such resource")]
        server.answers = [*missing, *[a_list(), a_list(), a_status(404, "NotFound", "m")], a_list(), a_list(), a_list()]
        await Resync(Cluster(api), Store(lambda: NOW, lambda _: None), seconds=300, clock=lambda: 5.0).first()
        assert pauses == [0.5, 1.0]

    async def test_a_failed_list_is_repeated_soon(
        self, api: Api, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Lists come every period with probes in between; one that failed is not put off for a whole period."""
        now = [0.0]
        lists: list[float] = []

        async def pause(seconds: float) -> None:
            now[0] += seconds
            if now[0] > 200:
                raise asyncio.CancelledError

        async def tried() -> bool:
            lists.append(now[0])
            return len(lists) != 1

        monkeypatch.setattr(asyncio, "sleep", pause)
        resync = Resync(Cluster(api), Store(lambda: NOW, lambda _: None), seconds=100, clock=lambda: now[0])
        monkeypatch.setattr(resync, "_try", tried)
        with pytest.raises(asyncio.CancelledError):
            await resync.run()
        assert lists == [100, 115]
        assert {query["limit"] for _, _, query, _ in server.asked} == {"1"}


class TestWrites:
    async def test_a_write_is_given_up_with_the_lease(self, server: Server) -> None:
        """A write takes no longer than the lease has left, however slow the API server is."""
        never = asyncio.Event()

        async def answer(_: web.Request) -> web.Response:
            await never.wait()
            return web.json_response({})

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        async with TestServer(app) as running:
            configuration = kube_client.Configuration()
            configuration.host = str(running.make_url("")).rstrip("/")
            slow = Api(kube_client.ApiClient(configuration), server.count)
            with pytest.raises(ApiError, match="no answer"):
                async with asyncio.timeout(5):
                    await Cluster(slow, write_seconds=lambda: 0.05).create_job("shop", {})
            await slow.close()
            never.set()

    async def test_who_does_not_lead_writes_nothing(self, api: Api, server: Server) -> None:
        """Without the lease no write leaves the process."""
        with pytest.raises(ApiError, match="does not lead"):
            await Cluster(api, may_write=lambda: False).create_job("shop", {})
        assert server.asked == []


class TestNamespaces:
    async def test_an_operator_for_all_lists_them_by_the_page(self, api: Api, server: Server) -> None:
        """All Namespaces are found, however many pages they take."""
        server.answers = [a_list({"n": 1}, more="next"), a_list({"n": 2})]
        assert await Cluster(api).namespaces("ops") == [{"n": 1}, {"n": 2}]
        assert [query.get("continue") for _, _, query, _ in server.asked] == [None, "next"]

    async def test_an_operator_for_some_asks_for_those_and_its_own(self, api: Api, server: Server) -> None:
        """Each watched Namespace and the operator's own is asked for by name; one that is missing is left out."""
        server.answers = [web.json_response({"n": 1}), a_status(404, "NotFound", "gone"), web.json_response({"n": 3})]
        assert len(await Cluster(api, ["a", "b"]).namespaces("ops")) == 2
        assert {path.rpartition("/")[2] for _, path, _, _ in server.asked} == {"a", "b", "ops"}


class TestChanges:
    async def _changes(self, api: Api, server: Server, *lines: str) -> list[tuple[str, Any]]:
        server.answers = [web.Response(text="".join(line + "\n" for line in lines))]
        return [change async for change in Cluster(api, ()).changes(JOBS, "shop", 7)]

    async def test_only_ours_are_asked_for(self, api: Api, server: Server) -> None:
        """A cluster has many Jobs and few are the operator's: the server sorts them out."""
        event = '{"type": "ADDED", "object": {"metadata": {"name": "a"}}}'
        assert await self._changes(api, server, event) == [("ADDED", {"metadata": {"name": "a"}})]
        verb, path, query, _ = server.asked[0]
        assert (verb, path) == ("GET", "/apis/batch/v1/namespaces/shop/jobs")
        assert (query["watch"], query["resourceVersion"], query["allowWatchBookmarks"]) == ("1", "7", "true")
        assert query["labelSelector"] == "app.kubernetes.io/managed-by=publishbuild-operator"
        assert server.counted == [("watch", JOBS, "200")]

    @pytest.mark.parametrize(
        ("line", "status"),
        [
            ('{"type": "ERROR", "object": {"code": 410, "reason": "Expired", "message": "too old"}}', 410),
            ('{"type": "ADDED", "object": {"metad', 0),
            ("<html>gateway</html>", 0),
        ],
        ids=["expired", "cut off", "page of a proxy"],
    )
    async def test_what_is_no_change_is_an_error(self, api: Api, server: Server, line: str, status: int) -> None:
        """The server's own error has its code, and a line that cannot be read is a broken connection."""
        with pytest.raises(ApiError) as caught:
            await self._changes(api, server, line)
        assert caught.value.status == status

    async def test_a_refusal_has_the_servers_words(self, api: Api, server: Server) -> None:
        """A watch that is not allowed says so, with the code by which it is counted."""
        server.answers = [web.json_response({"reason": "Forbidden", "message": "may not watch"}, status=403)]
        with pytest.raises(ApiError, match="may not watch"):
            _ = [change async for change in Cluster(api, ()).changes(PODS, "", 7)]
        assert server.counted == [("watch", PODS, "403")]
