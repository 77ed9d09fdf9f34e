"""Who wrote when: only the Lease's holder writes, and an operator ends only as it was told to or to give up leading."""

from __future__ import annotations

from collections.abc import Iterator

from tests.faults.history import History, Write

_TERM_SECONDS = 10.0
_LEASE_FAULTS = ("renew lease", "API server", "leader cut off", "leader SIGSTOP")


def writers(history: History) -> Iterator[tuple[int, str]]:
    """(number of the promise, sentence) for each write by somebody who did not lead, and each unasked end."""
    leases = [write for write in history.writes if write.point == "renew lease" and write.revision is not None]
    others = [write for write in history.writes if write.point != "renew lease"]
    yield from ((9, said) for said in _never_led(leases, others))
    yield from ((9, said) for said in _after_takeover(leases, others))
    for write in others:
        if write.point.startswith("unknown write"):
            yield 11, f"{write.writer} sent a write that no promise knows: {write.point}"
    yield from ((9, said) for said in _kept_leases(history, leases))
    yield from _exits(history)


def _never_led(leases: list[Write], others: list[Write]) -> Iterator[str]:
    first: dict[str, int] = {}
    for lease in sorted(leases, key=lambda write: write.order):
        if lease.holder:
            first.setdefault(lease.writer, lease.order)
    said: set[str] = set()
    for write in sorted(others, key=lambda write: write.order):
        if write.order < first.get(write.writer, 1 << 60) and write.writer not in said:
            said.add(write.writer)
            yield f"{write.writer} wrote ({write.point} {write.build}) before it had the lease"


def _after_takeover(leases: list[Write], others: list[Write]) -> Iterator[str]:
    """By the API server's own revisions, so that nothing depends on when somebody heard of it."""
    terms = sorted((lease.revision or 0, lease.holder or "") for lease in leases)
    said: set[str] = set()
    for write in others:
        if write.revision is None or write.writer in said:
            continue
        before = [holder for revision, holder in terms if revision < write.revision and holder]
        # A write that changed nothing has an older revision than its time; such a one is not told apart, nor judged.
        if before and before[-1] != write.writer and write.writer in before:
            said.add(write.writer)
            yield (
                f"{write.writer} wrote ({write.point} {write.build}, revision {write.revision}) "
                f"after {before[-1]} had taken the lease"
            )


def _kept_leases(history: History, leases: list[Write]) -> Iterator[str]:
    """A leader that ends well on SIGTERM gives its Lease back, unless a fault may have kept it from that."""
    if any(kind.startswith(_LEASE_FAULTS) for kind, count in history.injected.items() if count):
        return
    for end in history.exits:
        own = [lease for lease in leases if lease.writer == end.writer]
        if end.asked == "term" and end.code == 0 and own and max(own, key=lambda write: write.revision or 0).holder:
            yield f"{end.writer} ended on SIGTERM and did not give the lease back"


def _exits(history: History) -> Iterator[tuple[int, str]]:
    for end in history.exits:
        if end.asked == "kill":
            continue
        if end.asked == "term":
            if end.code != 0 and not end.gave_up_leading:
                yield 8, f"{end.writer} ended with {end.code} on SIGTERM"
            elif end.seconds > _TERM_SECONDS:
                yield 8, f"{end.writer} took {end.seconds:.1f} s to end on SIGTERM"
        elif not end.gave_up_leading:
            yield 7, f"{end.writer} ended by itself with {end.code}"
