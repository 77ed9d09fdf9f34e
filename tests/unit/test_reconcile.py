"""Reconcile: acts on what was decided, in order, and survives what the API server answers."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from publishbuild.build_queue.places import Places
from publishbuild.cluster.api import ApiError
from publishbuild.cluster.objects import BUILDS, JOBS, PODS
from publishbuild.cluster.store import Store
from publishbuild.decide.actions import EmitEvent
from publishbuild.launching import Launching
from publishbuild.observe.metrics import Metrics
from publishbuild.observe.outcomes import Outcomes
from publishbuild.reconcile import Defaults, Reconciler
from publishbuild.reporting import Reporting
from publishbuild.runner.result import RunResult
from tests.builders import IMAGE, JOB_UID, NOW, UID, Object, a_build, a_job, a_message, a_pod, at


class FakeCluster:
    """An API server in memory, for one build; ``refuse`` answers the next requests of a kind with an error."""

    def __init__(self) -> None:
        self.build: Object | None = None
        self.job: Object | None = None
        self.pods: list[Object] = []
        self.refuse: dict[str, list[ApiError]] = {}
        self.lost_answers: set[str] = set()
        self.calls: list[str] = []
        self.version = 1000

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.refuse.get(name):
            raise self.refuse[name].pop(0)

    def _answer(self, name: str, obj: Object) -> Object:
        if name in self.lost_answers:
            self.lost_answers.discard(name)
            raise ApiError(0, "TimeoutError", "no answer in 15 s")
        return copy.deepcopy(obj)

    def _next(self) -> str:
        self.version += 1
        return str(self.version)

    async def get_build(self, _: str, __: str) -> Object | None:
        self._called("get_build")
        return copy.deepcopy(self.build)

    async def get_job(self, _: str, __: str) -> Object | None:
        self._called("get_job")
        return copy.deepcopy(self.job)

    async def pods_of(self, _: str, __: str) -> list[Object]:
        self._called("pods_of")
        return copy.deepcopy(self.pods)

    async def create_job(self, namespace: str, manifest: Object) -> Object:
        self._called("create_job")
        if self.job is not None:
            raise ApiError(409, "AlreadyExists", "exists")
        metadata = manifest["metadata"] | {
            "uid": JOB_UID,
            "resourceVersion": self._next(),
            "namespace": namespace,
            "creationTimestamp": "2025-06-01T12:00:00Z",
        }
        self.job = manifest | {"metadata": metadata}
        return self._answer("create_job", self.job)

    async def set_job_ttl(self, _: str, __: str, seconds: int) -> Object:
        self._called("set_job_ttl")
        if self.job is None:
            raise ApiError(404, "NotFound", "gone")
        self.job = copy.deepcopy(self.job)
        self.job["spec"]["ttlSecondsAfterFinished"] = seconds
        self.job["metadata"]["resourceVersion"] = self._next()
        return self.job

    async def delete_job(self, _: str, __: str, uid: str) -> None:
        self._called("delete_job")
        assert uid == JOB_UID
        if self.job is not None:
            self.job["metadata"]["deletionTimestamp"] = "2025-06-01T12:01:00Z"
            self.job["metadata"]["resourceVersion"] = self._next()

    async def write_status(self, build: Object, status: Object) -> Object:
        self._called("write_status")
        if self.build is None:
            raise ApiError(404, "NotFound", "gone")
        if build["metadata"]["resourceVersion"] != self.build["metadata"]["resourceVersion"]:
            raise ApiError(409, "Conflict", "the object has been modified")
        self.build = self.build | {"status": status}
        self.build["metadata"] = self.build["metadata"] | {"resourceVersion": self._next()}
        return self._answer("write_status", self.build)


class World:
    """A reconciler over a cluster in memory."""

    def __init__(self) -> None:
        self.now = NOW
        self.cluster = FakeCluster()
        self.store = Store(lambda: NOW, lambda _: None)
        self.places = Places(self.store, limit=1, namespace_limit=0)
        self.posted: list[str] = []
        self.reports: dict[str, RunResult] = {}
        self.wakes: list[float] = []
        self.rested: list[str] = []
        metrics = self.metrics = Metrics()
        self.reconcile = Reconciler(
            cluster=self.cluster,  # type: ignore[arg-type]  # answers as a Cluster does
            store=self.store,
            places=self.places,
            events=self,  # type: ignore[arg-type]  # posts as Events do
            metrics=metrics,
            launching=Launching(self.cluster, self.store),  # type: ignore[arg-type]  # answers as a Cluster does
            reporting=Reporting(
                self.cluster,  # type: ignore[arg-type]  # as above
                self.store,
                self,  # type: ignore[arg-type]  # posts as Events do
                Outcomes(metrics, self.clock),
            ),
            defaults=Defaults(IMAGE),
            progress=self,
            clock=self.clock,
            wake_after=lambda _, seconds: self.wakes.append(seconds),
            rest=self.rested.append,
        )

    def finished(self) -> float:
        """How many builds the metrics count as ended."""
        samples = [s for metric in self.metrics.registry.collect() for s in metric.samples]
        return sum(sample.value for sample in samples if sample.name == "publishbuild_finished_total")

    def progress(self, uid: str) -> RunResult | None:
        return self.reports.get(uid)

    def forget(self, uid: str) -> None:
        self.reports.pop(uid, None)

    def clock(self) -> datetime:
        return self.now

    def post(self, build: Object, event: EmitEvent) -> None:
        assert build["metadata"]["uid"] == UID
        self.posted.append(event.reason.value)

    def apply(self, build: Object) -> None:
        """What `kubectl apply` and then the watch do."""
        if self.cluster.build is not None:
            status = self.cluster.build.get("status")
            build = build | ({"status": status} if status else {})
            build["metadata"]["resourceVersion"] = self.cluster._next()
        self.cluster.build = build
        self.store.apply(BUILDS, build)

    def job_becomes(self, job: Object) -> None:
        """The Job controller changes the Job and the watch tells."""
        assert self.cluster.job is not None
        job["metadata"]["resourceVersion"] = self.cluster._next()
        self.cluster.job = job
        self.store.apply(JOBS, job)

    async def look(self, *, after: float = 0) -> None:
        self.now += timedelta(seconds=after)
        launched = self.store.job(UID) is not None
        await self.reconcile(UID)
        if self.store.job(UID) is not None and not launched:
            # The new Job rings the bell.
            await self.reconcile(UID)

    async def launched(self) -> None:
        """A build that waits, is claimed and launched."""
        self.apply(self.cluster.build or a_build())
        await self.look()
        assert self.places.claim(UID)
        await self.look()

    @property
    def status(self) -> Object:
        assert self.cluster.build is not None
        status: Object = self.cluster.build.get("status", {})
        return status

    @property
    def reason(self) -> str:
        return next((str(c["reason"]) for c in self.status.get("conditions", ()) if c["type"] == "Succeeded"), "")


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    assert made.cluster.calls.count("create_job") <= 10


async def test_a_build_that_gets_its_place_at_once_costs_two_writes(world: World) -> None:
    """Enqueued, claimed, launched: one Job and one status, which says Running."""
    await world.launched()
    assert world.cluster.calls == ["create_job", "write_status"]
    assert world.status["phase"] == "Running"
    assert world.posted == ["Queued", "Started"]
    assert not world.places.is_claimed(UID)
    assert world.places.occupied().total == 1


async def test_looking_again_writes_nothing(world: World) -> None:
    """A bell without news costs no request."""
    await world.launched()
    world.cluster.calls.clear()
    for _ in range(5):
        await world.look(after=1)
    assert world.cluster.calls == []
    assert world.posted == ["Queued", "Started"]


async def test_a_build_that_waits_is_shown_as_queued(world: World) -> None:
    """After the quiet period one write says Queued."""
    world.apply(a_build())
    await world.look()
    assert (world.cluster.calls, world.wakes) == ([], [0.3])
    await world.look(after=0.3)
    assert world.status["phase"] == "Queued"


async def test_a_deleted_build_leaves_the_queue(world: World) -> None:
    """A build that is gone releases its place, and nothing is asked of the API server."""
    world.apply(a_build())
    await world.look()
    world.store.apply(BUILDS, a_build(version=2000), deleted=True)
    await world.look()
    assert world.places.waiting == {}
    assert world.cluster.calls == []


class TestLaunch:
    async def test_a_lost_answer_is_not_a_second_job(self, world: World) -> None:
        """A create that succeeded but whose answer was lost: the next try finds the Job and goes on."""
        world.cluster.lost_answers = {"create_job"}
        with pytest.raises(ApiError):
            await world.launched()
        await world.look()
        assert world.cluster.calls == ["create_job", "get_job", "write_status"]
        assert world.status["job"]["uid"] == JOB_UID

    async def test_a_lost_answer_and_a_cancellation(self, world: World) -> None:
        """A build that is cancelled while nobody knows of its Job does not leave that Job running."""
        world.cluster.lost_answers = {"create_job"}
        with pytest.raises(ApiError):
            await world.launched()
        world.apply(a_build(cancel=True))
        await world.look()
        assert world.cluster.job is not None
        world.store.apply(JOBS, copy.deepcopy(world.cluster.job))
        await world.look()
        assert "deletionTimestamp" in world.cluster.job["metadata"]
        assert world.reason in ("Cancelled", "Cancelling")

    @pytest.mark.parametrize("code", [403, 404])
    async def test_a_refused_launch_comes_again(self, world: World, code: int) -> None:
        """A quota or a missing service account holds the build, not its place; when mended it is launched."""
        world.cluster.refuse = {"create_job": [ApiError(code, "Refused", "exceeded quota")]}
        await world.launched()
        assert "exceeded quota" in world.status["conditions"][0]["message"]
        assert world.places.occupied().total == 0
        assert world.wakes[-1] == 30.0
        await world.look(after=31)
        assert world.places.claim(UID)
        await world.look()
        assert world.status["phase"] == "Running"

    @pytest.mark.parametrize("code", [400, 422])
    async def test_a_job_that_is_never_taken_ends_the_build(self, world: World, code: int) -> None:
        """A Job that the API server calls invalid fails the build with the server's words, once."""
        world.cluster.refuse = {"create_job": [ApiError(code, "Invalid", "quantities must match")] * 9}
        await world.launched()
        assert world.reason == "InvalidSpec"
        assert world.status["failure"]["message"] == "quantities must match"
        await world.look(after=100)
        assert world.cluster.calls.count("create_job") == 1
        assert world.places.occupied().total == 0

    async def test_somebody_elses_job_of_that_name(self, world: World) -> None:
        """A Job of our name that is not ours is left alone, and the build says so."""
        world.cluster.job = a_job(build_uid="another")
        await world.launched()
        assert "is not this build's" in world.status["failure"]["message"]
        assert "delete_job" not in world.cluster.calls

    @pytest.mark.parametrize("code", [0, 429, 500, 503, 504])
    async def test_an_api_server_in_trouble_is_asked_again(self, world: World, code: int) -> None:
        """No answer is no verdict: the look fails, keeps the claim, and the next one launches."""
        world.cluster.refuse = {"create_job": [ApiError(code, "Trouble", "later")]}
        with pytest.raises(ApiError):
            await world.launched()
        assert world.places.is_claimed(UID)
        await world.look()
        assert world.status["phase"] == "Running"


class TestStatus:
    async def test_a_conflict_is_settled_on_the_newer_build(self, world: World) -> None:
        """A build that changed meanwhile is read anew, and the status is that of the newer one."""
        await world.launched()
        newer = a_build(generation=2, cancel=True, status=world.status)
        newer["metadata"]["resourceVersion"] = world.cluster._next()
        world.cluster.build = newer
        world.job_becomes(a_job(complete=True))
        await world.look()
        assert world.status["observedGeneration"] == 2
        assert world.posted[-1] == "Succeeded"
        assert world.posted.count("Succeeded") == 1

    async def test_a_lost_answer_to_the_status_write(self, world: World) -> None:
        """A status that was stored without our knowing is neither written nor told twice."""
        await world.launched()
        world.job_becomes(a_job(complete=True))
        world.cluster.lost_answers = {"write_status"}
        with pytest.raises(ApiError):
            await world.look()
        await world.look()
        assert world.status["phase"] == "Succeeded"
        assert world.cluster.calls.count("set_job_ttl") <= 1
        assert world.posted.count("Succeeded") == 1
        assert world.finished() == 1

    async def test_a_lost_answer_to_a_write_that_was_not_done(self, world: World) -> None:
        """A status that never arrived is written again, and told once."""
        await world.launched()
        world.job_becomes(a_job(complete=True))
        world.cluster.refuse = {"write_status": [ApiError(0, "ServerDisconnectedError", "no answer")]}
        with pytest.raises(ApiError):
            await world.look()
        await world.look()
        assert world.posted.count("Succeeded") == 1
        assert world.finished() == 1

    async def test_an_ended_build_has_no_timers(self, world: World) -> None:
        """A build that has ended is not rung by a timer that was set while it waited."""
        world.apply(a_build(queueTimeoutSeconds=86_400, cancel=True))
        await world.look()
        await world.look()
        assert world.status["phase"] == "Cancelled"
        assert world.rested[-1] == UID

    async def test_a_build_that_is_gone_is_forgotten(self, world: World) -> None:
        """A status that finds no build takes the build out of the store."""
        await world.launched()
        world.cluster.build = None
        world.job_becomes(a_job(complete=True))
        await world.look()
        assert world.store.record(UID) is None

    async def test_a_job_that_the_store_lacks_is_asked_for(self, world: World) -> None:
        """Before JobDeleted, the API server is asked whether the Job is really gone."""
        await world.launched()
        assert world.cluster.job is not None
        world.store._forget_job(UID)
        await world.look()
        assert world.status["phase"] == "Running"
        world.cluster.job = None
        world.store._forget_job(UID)
        await world.look()
        assert world.reason == "JobDeleted"

    async def test_pods_that_the_watch_has_not_brought_are_asked_for(self, world: World) -> None:
        """A Job that ended before its pod was seen to end: the pod is read, and its report is not lost."""
        await world.launched()
        world.cluster.pods = [a_pod(1, exit_code=0, message=a_message(ids="7"))]
        world.job_becomes(a_job(complete=True, succeeded_pods=1))
        await world.look()
        assert world.status["builds"][0]["id"] == "build-7"


class TestEnd:
    async def test_ttl_comes_after_the_outcome(self, world: World) -> None:
        """The Job may go only when its outcome is stored."""
        await world.launched()
        world.job_becomes(a_job(complete=True))
        await world.look()
        await world.look()
        assert world.cluster.calls[-2:] == ["write_status", "set_job_ttl"]
        assert world.cluster.job is not None
        assert world.cluster.job["spec"]["ttlSecondsAfterFinished"] == 86400

    async def test_a_job_that_went_before_its_ttl_could_be_set(self, world: World) -> None:
        """A Job that somebody deleted after the end is no error."""
        await world.launched()
        world.job_becomes(a_job(complete=True))
        await world.look()
        world.cluster.job = None
        await world.look()
        assert world.status["phase"] == "Succeeded"

    async def test_cancel_of_a_running_build(self, world: World) -> None:
        """Cancelling records the attempts, deletes the Job, and ends as Cancelled when it is gone."""
        await world.launched()
        world.apply(a_build(generation=2, cancel=True))
        world.store.apply(PODS, a_pod(1))
        await world.look()
        assert world.cluster.calls[-2:] == ["write_status", "delete_job"]
        assert world.reason == "Cancelling"
        world.store._forget_job(UID)
        world.cluster.job = None
        await world.look()
        assert (world.reason, world.posted[-1]) == ("Cancelled", "Cancelled")


async def test_a_restart_keeps_the_place_in_line(world: World) -> None:
    """The moment of entering the queue is read back from the status, to the microsecond."""
    world.apply(a_build())
    await world.look()
    await world.look(after=1)
    restarted = World()
    restarted.now = at(100)
    restarted.store._last_seen = at(99)
    restarted.apply(a_build(status=world.status, version=5000))
    await restarted.look()
    assert restarted.places.waiting == world.places.waiting
