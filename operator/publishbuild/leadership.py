"""One leader, one warm standby: a Lease of coordination.k8s.io.

The standby knows everything and writes nothing. A leader that cannot renew in time stops acting before its lease
ends, by ending: the process starts again as a standby. On SIGTERM the lease is given back, and the standby takes
it at its next look.

Were two to act all the same (a process that was frozen, a clock that jumped), a build would still have one Job, by
name, and statuses are written against the version that was read; only limits could be exceeded for a moment.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from publishbuild.cluster import api
from publishbuild.cluster.api import ApiError
from publishbuild.cluster.leases import Leases
from publishbuild.decide import lease as decide
from publishbuild.decide.lease import (
    DURATION_SECONDS,
    LOOP_SECONDS,
    RENEW_DEADLINE_SECONDS,
    RETRY_SECONDS,
    STANDBY_SECONDS,
    Lease,
    Seen,
)

log = structlog.get_logger(__name__)


class LeadershipLostError(Exception):
    """The lease could not be renewed in time, or somebody else holds it: this process must stop acting."""


class Leadership:
    """This process's side of the Lease. ``clock`` is monotonic, in seconds; ``moment`` is the wall clock."""

    def __init__(
        self,
        leases: Leases,
        identity: str,
        *,
        clock: Callable[[], float],
        moment: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._leases = leases
        self._identity = identity
        self._clock = clock
        self._moment = moment
        self._sleep = sleep
        self._seen: Seen | None = None
        self._lease: Lease | None = None
        self._renewed: float | None = None

    @property
    def held(self) -> bool:
        """Whether this process may act now."""
        return self._renewed is not None and self._clock() - self._renewed < RENEW_DEADLINE_SECONDS

    @property
    def seconds_of_lease(self) -> float:
        """How long from now nobody else can lead; a write must have its answer, or be given up, within that."""
        return DURATION_SECONDS - (self._clock() - self._renewed) if self._renewed is not None else 0.0

    async def acquire(self) -> None:
        """Wait, as a standby, until this process leads."""
        said = False
        while not await self.take():
            if not said and self._seen is not None:
                log.info("standby: another operator leads", leader=self._seen.holder)
                said = True
            await self._sleep(STANDBY_SECONDS)

    async def take(self) -> bool:
        """Lead from now on, where nobody else does; whether this process leads."""
        leads = bool(await self._try_to_take(self._leases))
        if leads:
            log.info("leads", identity=self._identity)
        return leads

    async def take_back(self) -> bool:
        """Lead again after `release`, where nobody has led meanwhile: what was read since is as good as before."""
        started = self._clock()
        try:
            await self._write(self._leases, decide.taken(self._known(), self._identity, self._moment()))
        except ApiError:
            return False
        self._renewed = started
        log.info("leads again", identity=self._identity)
        return True

    async def keep(self, leases: Leases, *, is_alive: Callable[[], bool] = lambda: True) -> None:
        """Renew by ``leases``, for as long as this process leads and ``is_alive``; nothing else here writes meanwhile.

        Raises:
            LeadershipLostError: it does not lead any more, or must not.
        """
        while True:
            await self._sleep(RETRY_SECONDS)
            started = self._clock()
            if not is_alive():
                raise LeadershipLostError(f"the operator's loop has not answered for {LOOP_SECONDS:.0f} s")
            try:
                async with asyncio.timeout(max(0.1, self._left())):
                    await self._write(leases, decide.taken(self._known(), self._identity, self._moment()))
            except (ApiError, TimeoutError) as error:
                if getattr(error, "status", 0) == api.CONFLICT and await self._try_to_take(leases) is False:
                    raise LeadershipLostError("another operator has taken the lease") from error
                log.warning(
                    "the lease was not renewed",
                    error=str(error) or "no answer in time",
                    seconds_left=round(self._left(), 1),
                )
            else:
                self._renewed = started
            if not self.held:
                raise LeadershipLostError(f"the lease could not be renewed for {RENEW_DEADLINE_SECONDS:.0f} s")

    async def release(self) -> None:
        """Give the lease back, so that a standby need not wait for its end."""
        if not self.held:
            return
        self._renewed = None
        with contextlib.suppress(ApiError):
            try:
                await self._write(self._leases, decide.released(self._known(), self._moment()))
            except ApiError as error:
                if error.status != api.CONFLICT:
                    raise
                # A renewal that was cut off on its way may have been done all the same.
                lease = await self._leases.get()
                if lease is not None and (lease.get("spec") or {}).get("holderIdentity") == self._identity:
                    await self._write(self._leases, decide.released(lease, self._moment()))

    async def _try_to_take(self, leases: Leases) -> bool | None:
        """Whether the lease is ours now; False where somebody else holds it, None where nobody can tell."""
        started = self._clock()
        try:
            lease = await leases.get()
            if lease is None:
                self._lease = await leases.create(self._identity, self._moment())
            else:
                self._lease = lease
                self._seen = Seen.read(lease, self._seen, started)
                if not self._seen.is_free(self._identity, started):
                    return False
                await self._write(leases, decide.taken(lease, self._identity, self._moment()))
        except ApiError as error:
            if error.status != api.CONFLICT:
                log.warning("the lease cannot be read or taken", error=str(error))
            return None
        self._renewed = started
        return True

    async def _write(self, leases: Leases, lease: Lease) -> None:
        self._lease = await leases.replace(lease)

    def _known(self) -> Lease:
        if self._lease is None:
            raise LeadershipLostError("no lease is known")
        return self._lease

    def _left(self) -> float:
        return RENEW_DEADLINE_SECONDS - (self._clock() - (self._renewed or 0.0))
