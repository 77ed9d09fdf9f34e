"""Reading logs through what a cluster does meanwhile; the client is a stand-in that is told what to answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from publishbuild.cli import log_story, pod_log
from publishbuild.cli.log_story import LogStory
from publishbuild.client import NoClusterError, NotFoundError, PublishBuildError, RefusedError, UnavailableError
from publishbuild.models.base import rfc3339
from tests.builders import NOW, Object, a_build, a_pod, a_stage

LOST = NoClusterError("no answer")
ENDED = {"type": "Succeeded", "status": "False", "reason": "Cancelled", "lastTransitionTime": rfc3339(NOW)}


@dataclass
class Answers:
    """Gives each answer once, an error by raising it, and the last one for ever."""

    answers: list[Any]

    def next(self) -> Any:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, PublishBuildError):
            raise answer
        return answer


@dataclass
class StandIn:
    """As much of a client as logs need: ``logs`` are the answers for each pod, as lists of lines or errors in them."""

    build_answers: Answers
    pod_answers: Answers
    logs: dict[str, Answers] = field(default_factory=dict)

    @property
    def builds(self) -> StandIn:
        return self

    @property
    def pods(self) -> StandIn:
        return self

    async def get(self, _namespace: str, _name: str) -> Object:
        build: Object = self.build_answers.next()
        return build

    async def of_build(self, _build: Object) -> list[Object]:
        pods: list[Object] = self.pod_answers.next()
        return pods

    async def log(
        self, _namespace: str, pod: str, *, container: str = "runner", follow: bool = False
    ) -> AsyncGenerator[str, None]:
        del follow
        for line in self.logs[pod if container == "runner" else f"{pod}/{container}"].next():
            if isinstance(line, PublishBuildError):
                raise line
            yield line


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_story, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(pod_log, "RETRY_SECONDS", 0.0)


Tell = Callable[..., Awaitable[tuple[bool, list[str]]]]


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Tell:
    """Tells the logs of a build, and gives whether there were any, and the lines on stdout."""

    async def run(client: StandIn, **options: Any) -> tuple[bool, list[str]]:
        story = LogStory(client, client.build_answers.next(), **options)  # type: ignore[arg-type]  # a stand-in
        return await story.tell(), capsys.readouterr().out.splitlines()

    return run


def running() -> Object:
    return a_build(status={"phase": "Running"})


def ended(**fields: Any) -> Object:
    return a_build(status={"phase": "Cancelled", "conditions": [ENDED], **fields})


HEAD = "==> attempt 1, pod p <=="


async def test_a_log_that_is_lost_goes_on_where_it_was(tell: Tell) -> None:
    """Lines before the loss are not told again, and those after it are not left out."""
    logs = {"p": Answers([["one", "two", LOST], [UnavailableError("busy")], ["one", "two", "three"]])}
    client = StandIn(Answers([running(), ended()]), Answers([[a_pod(name="p")]]), logs)
    assert await tell(client, follow=True) == (True, [HEAD, "one", "two", "three"])


async def test_an_end_that_is_seen_first_loses_no_log(tell: Tell) -> None:
    """A build that has ended by the time that its pods can be listed again is still told in full."""
    client = StandIn(Answers([running(), ended()]), Answers([LOST, LOST, [a_pod(name="p")]]), {"p": Answers([["one"]])})
    assert await tell(client, follow=True) == (True, [HEAD, "one"])


async def test_a_container_that_never_starts_is_not_waited_for(tell: Tell) -> None:
    """A build that ends before its container has started ends the command, without a log."""
    pods = Answers([[a_pod(name="p", waiting="ImagePullBackOff")]])
    assert await tell(StandIn(Answers([running(), ended()]), pods), follow=True) == (False, [])


async def test_a_container_that_is_about_to_start_is_asked_again(tell: Tell) -> None:
    """A log that is refused, since its container is being made, is told as soon as there is one."""
    logs = {"p": Answers([[RefusedError("waiting to start", 400)], ["one"]])}
    client = StandIn(Answers([running(), running(), ended()]), Answers([[a_pod(name="p")]]), logs)
    assert await tell(client, follow=True) == (True, [HEAD, "one"])


def staged(**states: Object) -> Object:
    """A pod of the Expo runner whose own container has not begun."""
    return a_pod(name="p", stages=states, waiting="PodInitializing")


SOURCE_HEAD, INSTALL_HEAD = (f"==> attempt 1, pod p, {name} <==" for name in ("source", "dependencies"))


async def test_the_stages_of_an_attempt_are_told_one_after_the_other(tell: Tell) -> None:
    """Each container's log comes once and in order while it is followed, though the pod is Pending till the last."""
    waits = {"waiting": {"reason": "PodInitializing"}}
    pods = Answers(
        [
            [staged(source=a_stage(None), dependencies=waits)],
            [staged(source=a_stage(), dependencies=a_stage(None))],
            [a_pod(name="p", stages={"source": a_stage(), "dependencies": a_stage()})],
        ]
    )
    logs = {"p/source": Answers([["cloned"]]), "p/dependencies": Answers([["added 3"]]), "p": Answers([["built"]])}
    client = StandIn(Answers([running(), running(), running(), ended()]), pods, logs)
    said = [SOURCE_HEAD, "cloned", INSTALL_HEAD, "added 3", HEAD, "built"]
    assert await tell(client, follow=True) == (True, said)


async def test_a_stage_that_failed_is_the_last_that_is_told(tell: Tell) -> None:
    """The runner's container never began, and is not asked for."""
    pod = a_pod(name="p", stages={"source": a_stage(), "dependencies": a_stage(1)}, waiting="PodInitializing")
    pod["status"]["phase"] = "Failed"
    logs = {"p/source": Answers([["cloned"]]), "p/dependencies": Answers([["404"]])}
    attempt = {"number": 1, "pod": "p", "container": "dependencies", "exitCode": 1}
    client = StandIn(Answers([ended(failedAttempts=[attempt])]), Answers([[pod]]), logs)
    assert await tell(client) == (True, [SOURCE_HEAD, "cloned", INSTALL_HEAD, "404"])


async def test_a_pod_that_goes_meanwhile_leaves_what_was_kept(tell: Tell) -> None:
    """Between the list and the log a pod may be deleted: then the status tells of it."""
    attempt = {"number": 1, "pod": "p", "reason": "Error", "message": "exit code 1"}
    client = StandIn(
        Answers([ended(failedAttempts=[attempt])]),
        Answers([[a_pod(name="p", exit_code=1)]]),
        {"p": Answers([[NotFoundError("gone", 404)]])},
    )
    assert await tell(client) == (True, [HEAD, "(the pod is gone; it failed: Error: exit code 1)"])


async def test_without_follow_a_loss_is_an_error(tell: Tell) -> None:
    """Who only looks is told at once that the API server does not answer."""
    client = StandIn(Answers([running()]), Answers([LOST]))
    with pytest.raises(NoClusterError):
        await tell(client)


async def test_a_log_that_stays_away_is_given_up(tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that does not answer for too long does not hold the command for ever: the rest is told."""
    monkeypatch.setattr(pod_log, "PATIENCE_SECONDS", -1.0)
    pods = Answers([[a_pod(1, name="p", exit_code=1), a_pod(2, name="q", exit_code=0)]])
    logs = {"p": Answers([[LOST]]), "q": Answers([["one"]])}
    told = await tell(StandIn(Answers([ended()]), pods, logs), follow=True)
    assert told == (True, ["==> attempt 2, pod q <==", "one"])
