"""The API server is asked about a token once, for a bounded number of tokens, however many are sent."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from publishbuild import pod_tokens
from publishbuild.cluster.api import ApiError
from publishbuild.cluster.token_reviews import PodIdentity
from publishbuild.decide.claims import claims_of
from publishbuild.observe.answer import Answer
from publishbuild.observe.metrics import Metrics
from publishbuild.pod_tokens import PodTokens
from tests.support.tokens import EXPIRES, a_token

POD = PodIdentity("shop", "pod-1")


class World:
    """Tokens over an API server in memory, that knows those whose signature is good."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked: list[str] = []
        self.error: ApiError | None = None
        self.gate: asyncio.Event | None = None
        self.metrics = Metrics()
        self.tokens = PodTokens(self.review, self.metrics, monotonic=lambda: self.now, clock=lambda: self.now)

    async def review(self, token: str) -> PodIdentity | None:
        self.asked.append(token)
        if self.gate:
            await self.gate.wait()
        if self.error:
            raise self.error
        claims = claims_of(token)
        return PodIdentity("shop", claims.pod_uid) if claims and token.endswith(".c2ln") else None

    async def identity(
        self, pod: str = "pod-1", *, signature: str = "c2ln", peer: str = "10.0.0.1", expires: float = EXPIRES
    ) -> PodIdentity | Answer | None:
        token = a_token(pod, signature=signature, expires=expires)
        claims = claims_of(token)
        assert claims is not None
        return await self.tokens.identity(token, claims, peer)

    def forbidden(self) -> float | None:
        return self.metrics.registry.get_sample_value("publishbuild_token_reviews_forbidden")


@pytest.fixture
def world() -> World:
    return World()


def status(found: PodIdentity | Answer | None) -> int:
    assert isinstance(found, Answer)
    return found.status


async def test_a_good_token_is_asked_about_once(world: World) -> None:
    """The answer is remembered for its time, and then asked for again."""
    assert [await world.identity() for _ in range(3)] == [POD] * 3
    world.now = pod_tokens.GOOD_SECONDS
    assert await world.identity() == POD
    assert len(world.asked) == 2


async def test_it_is_not_remembered_past_its_own_end(world: World) -> None:
    """A token that ends is none from then on, and no question is spent on it."""
    assert await world.identity(expires=50) == POD
    world.now = 50
    assert await world.identity(expires=50) is None
    assert len(world.asked) == 1


async def test_a_bad_token_is_asked_about_once(world: World) -> None:
    """That a token is a bad one is remembered too."""
    assert [await world.identity(signature="forged") for _ in range(5)] == [None] * 5
    assert len(world.asked) == 1
    world.now = pod_tokens.BAD_SECONDS
    assert await world.identity(signature="forged") is None
    assert len(world.asked) == 2


async def test_many_who_show_the_same_wait_for_one_answer(world: World) -> None:
    """Requests at once with one token make one question; one that goes away takes the answer from no other."""
    world.gate = asyncio.Event()
    waiting = [asyncio.create_task(world.identity()) for _ in range(20)]
    await asyncio.sleep(0)
    waiting.pop(0).cancel()
    await asyncio.sleep(0)
    world.gate.set()
    assert await asyncio.gather(*waiting) == [POD] * 19
    assert len(world.asked) == 1


async def test_a_pod_causes_few_questions(world: World) -> None:
    """Forged tokens that say they are one pod's, from any number of peers, are asked about a few times a minute."""
    for number in range(1000):
        await world.identity(signature=f"forged-{number}", peer=f"10.0.{number % 250}.1")
    assert len(world.asked) == pod_tokens.REVIEWS_OF_A_POD
    assert status(await world.identity()) == 429
    assert await world.identity("pod-2", peer="10.1.0.1") == PodIdentity("shop", "pod-2")
    world.now = 60
    assert await world.identity() == POD


async def test_a_peer_causes_few_questions(world: World) -> None:
    """One peer that shows tokens of any number of pods is asked about so many times a minute; others are heard."""
    for number in range(1000):
        await world.identity(f"pod-{number}", signature="forged", peer="10.0.0.66")
    assert len(world.asked) == pod_tokens.REVIEWS_OF_A_PEER
    assert await world.identity("pod-one") == PodIdentity("shop", "pod-one")


async def test_few_questions_are_under_way(world: World) -> None:
    """An API server that is slow has a bounded number of questions, and whoever else asks is told to try again."""
    world.gate = asyncio.Event()
    first = [asyncio.create_task(world.identity(f"pod-{n}")) for n in range(pod_tokens.MOST_AT_ONCE)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert status(await world.identity("one-more")) == 429
    world.gate.set()
    assert None not in await asyncio.gather(*first)
    assert await world.identity("one-more") == PodIdentity("shop", "one-more")


async def test_what_is_remembered_is_bounded(world: World) -> None:
    """Any number of good and bad tokens leaves so many of each, and bad ones drive out no good one."""
    assert await world.identity("first") == PodIdentity("shop", "first")
    for number in range(3 * pod_tokens.MOST_BAD):
        world.now += 0.01
        await world.identity(f"pod-{number}", signature="forged", peer=str(number))
    assert len(world.tokens._bad) == pod_tokens.MOST_BAD
    before = len(world.asked)
    assert await world.identity("first") == PodIdentity("shop", "first")
    assert len(world.asked) == before


async def test_one_that_may_not_ask_says_so_once(world: World) -> None:
    """Without the right to ask, pods are told so, one line and a metric say it, and a minute later it tries again."""
    world.error = ApiError(403, "Forbidden", "tokenreviews is forbidden")
    with capture_logs() as logs:
        for second in range(100):
            world.now = float(second)
            assert status(await world.identity(f"pod-{second}")) == 503
    assert len(world.asked) == 2
    assert [line["log_level"] for line in logs] == ["warning"]
    assert world.forbidden() == 1
    world.error, world.now = None, 200.0
    assert await world.identity() == POD
    assert world.forbidden() == 0


@pytest.mark.parametrize("code", [0, 401, 429, 500])
async def test_no_answer_is_not_remembered(world: World, code: int) -> None:
    """An API server that fails says nothing of the token: the pod tries again and is heard."""
    world.error = ApiError(code, "Timeout", "no answer")
    assert status(await world.identity()) == 503
    world.error = None
    assert await world.identity() == POD
    assert not world.forbidden()


async def test_a_token_of_another_pod_than_it_says(world: World) -> None:
    """What the API server says goes before what the token says: another pod's token is a bad one."""
    token = a_token("pod-2")
    claims = claims_of(a_token("pod-1"))
    assert claims is not None
    assert await world.tokens.identity(token, claims, "10.0.0.1") is None
