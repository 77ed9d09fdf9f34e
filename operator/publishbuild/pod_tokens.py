"""Whose token a pod shows: asked of the API server once, and remembered (decision 0023).

Whoever can connect can send tokens. So a TokenReview is made only for one that says it is a running pod's; a pod and a
peer may each cause so many a minute, and so many are under way at once. What is remembered is bounded too, and bad
tokens never drive out good ones.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Protocol

import structlog

from publishbuild.cluster.api import FORBIDDEN, ApiError
from publishbuild.cluster.token_reviews import PodIdentity
from publishbuild.decide.claims import Claims
from publishbuild.observe.answer import Answer
from publishbuild.observe.metrics import Metrics
from publishbuild.remembered import Rate, Remembered

log = structlog.get_logger(__name__)

GOOD_SECONDS = 600.0
BAD_SECONDS = 30.0
MOST_GOOD = 4096
MOST_BAD = 256
MOST_AT_ONCE = 8
# A pod needs one in ten minutes, and one for each new operator. Behind an ingress many pods are one peer.
REVIEWS_OF_A_POD = 6
REVIEWS_OF_A_PEER = 120
# An operator that may not ask tries again after so long: somebody may have granted it.
FORBIDDEN_SECONDS = 60.0

_BUSY = Answer(HTTPStatus.TOO_MANY_REQUESTS, "too many tokens to check: try again")
_MAY_NOT = Answer(HTTPStatus.SERVICE_UNAVAILABLE, "this operator may not create TokenReviews: docs/security.md")
_UNKNOWN = Answer(HTTPStatus.SERVICE_UNAVAILABLE, "the API server did not check the token: try again")


class Review(Protocol):
    """`publishbuild.cluster.token_reviews`."""

    def __call__(self, token: str) -> Awaitable[PodIdentity | None]:
        """The pod whose token this is."""
        ...


class PodTokens:
    """What is known of tokens. ``monotonic`` and ``clock`` tell seconds, the latter since 1970."""

    def __init__(
        self, review: Review, metrics: Metrics, *, monotonic: Callable[[], float], clock: Callable[[], float]
    ) -> None:
        self._review = review
        self._metrics = metrics
        self._monotonic = monotonic
        self._clock = clock
        self._good: Remembered[PodIdentity] = Remembered(MOST_GOOD)
        self._bad: Remembered[bool] = Remembered(MOST_BAD)
        self._of_pod = Rate(REVIEWS_OF_A_POD)
        self._of_peer = Rate(REVIEWS_OF_A_PEER)
        self._asked: dict[bytes, asyncio.Task[PodIdentity | None]] = {}
        self._forbidden_until: float | None = None

    async def identity(self, token: str, claims: Claims, peer: str) -> PodIdentity | Answer | None:
        """The pod whose token this is, None where it is a bad one; an answer where that cannot be told now."""
        now, key = self._monotonic(), hashlib.sha256(token.encode()).digest()
        if claims.expires <= self._clock():
            return None
        known = self._good.get(key, now)
        if known is not None or self._bad.get(key, now):
            return known
        asking = self._asked.get(key)
        if asking is None:
            if self._forbidden_until is not None and now < self._forbidden_until:
                return _MAY_NOT
            if len(self._asked) >= MOST_AT_ONCE or not (
                self._of_peer.allows(peer, now) and self._of_pod.allows(claims.pod_uid, now)
            ):
                return _BUSY
            asking = self._asked[key] = asyncio.create_task(self._ask(token, key, claims))
            asking.add_done_callback(lambda asked: self._answered(key, asked))
        try:
            # One who goes away takes the answer from nobody else.
            return await asyncio.shield(asking)
        except ApiError as error:
            return _MAY_NOT if error.status == FORBIDDEN else _UNKNOWN

    def _answered(self, key: bytes, asked: asyncio.Task[PodIdentity | None]) -> None:
        del self._asked[key]
        if not asked.cancelled():
            asked.exception()  # also where nobody waits for it any more

    async def _ask(self, token: str, key: bytes, claims: Claims) -> PodIdentity | None:
        try:
            found = await self._review(token)
        except ApiError as error:
            if error.status == FORBIDDEN:
                self._may_not(error)
            raise
        now = self._monotonic()
        self._metrics.token_reviews_forbidden.set(0)
        self._forbidden_until = None
        if found is None or found.uid != claims.pod_uid:
            self._bad.put(key, True, now + BAD_SECONDS)
            return None
        self._good.put(key, found, now + min(GOOD_SECONDS, claims.expires - self._clock()))
        return found

    def _may_not(self, error: ApiError) -> None:
        if self._forbidden_until is None:
            log.warning(
                "may not create TokenReviews: builds are built, but their pods' progress is not heard",
                error=str(error),
                grant="create tokenreviews.authentication.k8s.io",
            )
        self._forbidden_until = self._monotonic() + FORBIDDEN_SECONDS
        self._metrics.token_reviews_forbidden.set(1)
