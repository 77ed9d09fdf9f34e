"""What pods tell and ask the operator: only those of a running build are heard, and the answer is never a guess."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from publishbuild.callbacks import WRITE_SECONDS, Callbacks
from publishbuild.cluster.objects import BUILDS, JOBS, PODS
from publishbuild.cluster.store import Store
from publishbuild.cluster.token_reviews import PodIdentity
from publishbuild.decide.claims import Claims
from publishbuild.names import VOLUME_TOKEN
from publishbuild.observe.answer import Answer
from publishbuild.observe.callback_endpoints import callback_endpoints
from tests.builders import NAMESPACE, NOW, UID, a_build, a_job, a_message, a_pod, at
from tests.support.tokens import a_token

TOKEN = "a-token"
PEER = "10.0.0.1"


class World:
    """Callbacks over a store in memory."""

    def __init__(self) -> None:
        self.now = NOW
        self.synced = self.leads = True
        self.identities: dict[str, PodIdentity | Answer] = {}
        self.asked: list[str] = []
        self.meanwhile: Callable[[], None] | None = None
        self.rung: list[tuple[str, float]] = []
        self.store = Store(lambda: NOW, lambda _: None)
        self.callbacks = Callbacks(
            self.store,
            self,
            synced=lambda: self.synced,
            leads=lambda: self.leads,
            ring_after=lambda uid, seconds: self.rung.append((uid, seconds)),
            clock=self.clock,
        )

    async def identity(self, token: str, claims: Claims, peer: str) -> PodIdentity | Answer | None:
        """What the API server says of a token that is no pod's variable."""
        assert peer
        self.asked.append(claims.pod_uid)
        if self.meanwhile:
            self.meanwhile()
        return self.identities.get(token)

    def clock(self) -> datetime:
        return self.now

    def build(self, **spec: Any) -> None:
        self.store.apply(BUILDS, a_build(**spec))

    def job(self, **job: Any) -> None:
        self.store.apply(JOBS, a_job(**job))

    def pod(self, number: int = 1, token: str = TOKEN, **pod: Any) -> None:
        self.store.apply(PODS, a_pod(number, token=token, **pod))

    async def report(self, body: str | None = None, token: str = TOKEN) -> int:
        """The status of the answer, as the endpoint gives it."""
        pod = await self.callbacks.speaker(UID, token, PEER)
        answer = (
            pod if isinstance(pod, Answer) else self.callbacks.report(pod, a_message(ids="7") if body is None else body)
        )
        return answer.status


@pytest.fixture
def world() -> World:
    made = World()
    made.build()
    made.job()
    made.pod()
    return made


class TestReports:
    async def test_a_report_is_kept_and_written_soon(self, world: World) -> None:
        """A running build's report is known at once and the build is looked at."""
        assert await world.report() == 204
        said = world.callbacks.progress(UID)
        assert said is not None
        assert said.builds[0].id == "build-7"
        assert world.rung == [(UID, 0.0)]

    async def test_the_same_again_is_no_news(self, world: World) -> None:
        """A report that says nothing new costs no look."""
        assert [await world.report(), await world.report()] == [204, 204]
        assert len(world.rung) == 1

    async def test_many_reports_are_few_writes(self, world: World) -> None:
        """However often a pod reports, its build is written once in five seconds, with the newest report."""
        for number in range(8):
            await world.report(a_message(ids=str(number)))
            world.now += timedelta(seconds=1)
        due = sorted({seconds + number for number, (_, seconds) in enumerate(world.rung)})
        assert due[:2] == [0, WRITE_SECONDS]
        assert len(due) <= 4

    @pytest.mark.parametrize("token", ["", "b-token", "ключ"])
    async def test_nobody_else_is_heard(self, world: World, token: str) -> None:
        """Without the token of the pod nothing is taken in."""
        assert await world.report(token=token) == 403
        assert world.callbacks.progress(UID) is None

    async def test_a_pod_without_a_token_has_none(self) -> None:
        """An empty token never fits."""
        world = World()
        world.build()
        world.job()
        world.pod(token="")
        assert await world.report(token="") == 403

    async def test_a_pod_of_another_build_is_not_heard(self, world: World) -> None:
        """A token opens the build of its own pod alone."""
        world.store.apply(BUILDS, a_build(uid="other", name="app-2"))
        assert isinstance(await world.callbacks.speaker("other", TOKEN, PEER), Answer)

    async def test_a_pod_that_has_ended_is_not_heard(self, world: World) -> None:
        """What a pod shows after its end opens nothing, and what it said before counts no more."""
        await world.report()
        world.pod(version=400, exit_code=1)
        assert await world.report() == 403
        assert world.callbacks.progress(UID) is None

    async def test_a_pod_that_ends_while_it_speaks_is_not_heard(self, world: World) -> None:
        """A report whose body comes after its pod's end is not taken in."""
        pod = await world.callbacks.speaker(UID, TOKEN, PEER)
        assert not isinstance(pod, Answer)
        world.pod(version=400, exit_code=1)
        assert world.callbacks.report(pod, a_message()).status == 403

    async def test_only_the_newest_attempt_is_heard(self, world: World) -> None:
        """Once there is another attempt, the report of an earlier one counts no more, and it gives no other."""
        await world.report()
        world.pod(2, token="second")
        assert world.callbacks.progress(UID) is None
        assert await world.report() == 403
        assert await world.report(token="second") == 204

    async def test_an_ended_job_is_not_heard(self, world: World) -> None:
        """What comes after the Job's end changes nothing, whether its pod is seen to have ended or not."""
        world.job(version=300, complete=True, ended=at(5))
        assert await world.report() == 403

    async def test_who_does_not_lead_sends_away(self, world: World) -> None:
        """A standby keeps nothing, and says that another may answer."""
        world.leads = False
        assert await world.report() == 503

    @pytest.mark.parametrize("body", ["", "done", "[1]", "{", '{"builds": 3}'])
    async def test_what_is_no_report_is_refused(self, world: World, body: str) -> None:
        """Anything but a report is a 400 and is forgotten."""
        assert await world.report(body) == 400
        assert world.callbacks.progress(UID) is None

    async def test_secrets_are_taken_out(self, world: World) -> None:
        """A tool that reports a password does not bring it into the operator."""
        await world.report('{"message": "cloning https://me:hunter22@git.example/app"}')
        said = world.callbacks.progress(UID)
        assert said is not None
        assert "hunter22" not in (said.message or "")

    async def test_it_is_forgotten_with_the_attempt(self, world: World) -> None:
        """Nothing stays behind."""
        await world.report()
        world.callbacks.forget(UID)
        assert world.callbacks.progress(UID) is None


class TestPodsOfToday:
    """Pods that show a token of the API server's."""

    @pytest.fixture
    def world(self) -> World:
        made = World()
        made.build()
        made.job()
        pod = a_pod(token="chosen-by-the-tenant")
        pod["spec"]["volumes"] = [{"name": VOLUME_TOKEN}]
        made.store.apply(PODS, pod)
        made.identities[a_token("pod-1")] = PodIdentity(NAMESPACE, "pod-1")
        return made

    async def test_the_api_server_says_whose_token_it_is(self, world: World) -> None:
        """A pod that the API server knows by its token is heard."""
        assert await world.report(token=a_token("pod-1")) == 204

    async def test_a_variable_of_the_same_name_is_no_token(self, world: World) -> None:
        """A pod that has a token of the API server's is heard by no other: a spec may name any variable."""
        assert await world.report(token="chosen-by-the-tenant") == 403

    @pytest.mark.parametrize(
        "token",
        [
            pytest.param(a_token("pod-2"), id="another pod's"),
            pytest.param(a_token("pod-1", audience="https://kubernetes.default.svc"), id="for somebody else"),
            pytest.param(a_token(""), id="a service account's, and no pod's"),
            pytest.param("a.b.c", id="no claims"),
        ],
    )
    async def test_no_other_token_is_asked_about(self, world: World, token: str) -> None:
        """A token that says it is no running pod's of that build costs no request to the API server."""
        assert await world.report(token=token) == 403
        assert world.asked == []

    async def test_claims_alone_are_nothing(self, world: World) -> None:
        """A token that the API server does not know is not heard, whatever it says of itself."""
        assert await world.report(token=a_token("pod-1", signature="forged")) == 403
        assert world.asked == ["pod-1"]

    async def test_the_answer_is_for_that_pod_in_its_namespace(self, world: World) -> None:
        """A pod of that uid elsewhere, which there is none of, is another one."""
        world.identities[a_token("pod-1")] = PodIdentity("elsewhere", "pod-1")
        assert await world.report(token=a_token("pod-1")) == 403

    async def test_one_that_cannot_be_checked_is_sent_away(self, world: World) -> None:
        """Where the API server does not say, the pod is told to try again."""
        world.identities[a_token("pod-1")] = Answer(503, "try again")
        assert await world.report(token=a_token("pod-1")) == 503

    async def test_a_pod_that_ends_meanwhile_is_not_heard(self, world: World) -> None:
        """What ends while its token is checked has ended."""
        world.meanwhile = lambda: world.pod(version=400, exit_code=0)
        assert await world.report(token=a_token("pod-1")) == 403


class TestStop:
    @pytest.mark.parametrize(
        ("spec", "job", "reason"),
        [
            pytest.param({}, {}, "", id="drained: a later attempt goes on"),
            pytest.param({"cancel": True}, {}, "stopped by spec.cancel", id="cancelled"),
            pytest.param({}, {"deleting": True}, "the Job was deleted", id="Job deleted by hand"),
            pytest.param({}, {"failed": "DeadlineExceeded"}, "runTimeoutSeconds have passed", id="late"),
            pytest.param(
                {"runTimeoutSeconds": 60},
                {"started": NOW - timedelta(seconds=60)},
                "runTimeoutSeconds have passed",
                id="late, not said yet",
            ),
        ],
    )
    def test_why(self, spec: dict[str, Any], job: dict[str, Any], reason: str) -> None:
        """The answer names what ends the work for good, and is empty where only the pod is to go."""
        world = World()
        world.build(**spec)
        world.job(**job)
        answer = world.callbacks.stop_reason(UID)
        assert (answer.status, answer.text) == (200, reason)

    def test_a_deleted_build(self, world: World) -> None:
        """A build that is gone needs nothing more."""
        world.store.apply(BUILDS, a_build(), deleted=True)
        assert world.callbacks.stop_reason(UID).text == "the build was deleted"

    def test_a_newer_build_with_its_key(self) -> None:
        """A build that a newer one supersedes is stopped for good."""
        world = World()
        key: dict[str, Any] = {"concurrencyKey": "prod", "concurrencyPolicy": "CancelPrevious"}
        world.build(**key)
        world.job()
        newer = a_build(**key)
        newer["metadata"] |= {"uid": "newer", "name": "app-2", "creationTimestamp": "2030-01-01T00:00:00Z"}
        world.store.apply(BUILDS, newer)
        assert world.callbacks.stop_reason(UID).text == "stopped by the newer build app-2"

    async def test_no_guess_before_all_is_known(self, world: World) -> None:
        """An operator that has just started says so, and never that a build which it has not seen is gone."""
        world.synced = False
        answer = await world.callbacks.speaker("unknown", TOKEN, PEER)
        assert isinstance(answer, Answer)
        assert answer.status == 503

    @pytest.mark.parametrize("token", ["", "b-token"])
    async def test_a_uid_alone_opens_nothing(self, world: World, token: str) -> None:
        """Whoever has a build's uid, as /v1/queue tells it, is told neither its fate nor another build's name."""
        assert isinstance(await world.callbacks.speaker(UID, token, PEER), Answer)

    async def test_a_deleted_builds_pod_is_answered(self, world: World) -> None:
        """A pod whose build and Job are gone proves who it is by itself."""
        world.store.apply(BUILDS, a_build(), deleted=True)
        world.store.apply(JOBS, a_job(version=201), deleted=True)
        world.pod(version=301)
        pod = await world.callbacks.speaker(UID, TOKEN, PEER)
        assert not isinstance(pod, Answer)
        assert world.callbacks.stop_reason(pod.build_uid).text == "the build was deleted"


async def test_the_endpoints(world: World) -> None:
    """The two endpoints are where the pod's environment says, and a huge report is refused unread."""
    async with TestClient(TestServer(callback_endpoints(world.callbacks))) as client:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        path = f"/v1/builds/{UID}"
        assert (await client.post(path, data=a_message(), headers=headers)).status == 204
        assert (await client.post(path, data=a_message())).status == 401
        assert (await client.post(path, data="x" * 20_000, headers=headers)).status == 413
        assert (await (await client.get(f"{path}/stop", headers=headers)).text()) == ""
        assert (await client.get(f"{path}/stop")).status == 401
        assert (await client.get(f"{path}/stop", headers={"Authorization": "Bearer guess"})).status == 403
        assert (await client.get("/v1/builds/other/stop", headers=headers)).status == 403


@pytest.mark.parametrize("path", ["/metrics", "/v1/queue", "/healthz", "/readyz", "/v1/builds", "/"])
async def test_nothing_else_is_on_their_port(world: World, path: str) -> None:
    """A build's pod finds neither metrics nor the queue nor the probes where it reports."""
    async with TestClient(TestServer(callback_endpoints(world.callbacks))) as client:
        assert (await client.get(path)).status == 404
