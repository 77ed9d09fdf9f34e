"""What a process holds at one moment: memory, file descriptors, tasks and threads; and the table of such moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.operator_process import OperatorProcess

MIB = 1024 * 1024


@dataclass(frozen=True)
class Sample:
    """One moment. ``ended`` and ``kept`` count builds: those that have ended, and resources that are still there."""

    ended: int
    kept: int
    seconds: float
    rss: int
    """Resident memory in bytes."""
    fds: int
    sockets: int
    tasks: int
    threads: int


def take(operator: OperatorProcess, *, ended: int, kept: int, seconds: float) -> Sample:
    """The operator now: what `/metrics` offers, and of Linux what it does not.

    Raises:
        AssertionError: the operator does not answer.
    """
    status, text = operator.get("/metrics")
    assert status, f"the operator does not answer; its log: {operator.tail()}"
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    proc = Path("/proc") / str(operator.pid)
    return Sample(
        ended=ended,
        kept=kept,
        seconds=seconds,
        rss=int(float(values["process_resident_memory_bytes"])),
        fds=int(float(values["process_open_fds"])),
        sockets=sum(1 for fd in (proc / "fd").iterdir() if _leads_to(fd).startswith("socket:")),
        tasks=int(float(values["publishbuild_tasks"])),
        threads=len(list((proc / "task").iterdir())),
    )


def _leads_to(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except OSError:  # closed meanwhile
        return ""


def table(samples: Sequence[Sample]) -> str:
    """The samples as a Markdown table."""
    rows = [
        f"| {s.ended:,} | {s.kept:,} | {s.seconds:.0f} | {s.rss / MIB:.1f} | {s.fds} | {s.sockets} | {s.tasks} |"
        f" {s.threads} |"
        for s in samples
    ]
    head = "| builds ended | kept | seconds | RSS, MiB | file descriptors | sockets | tasks | threads |"
    return "\n".join([head, "|" + "---:|" * 8, *rows])


@dataclass(frozen=True)
class Verdict:
    """Promise 13, and whether it was kept."""

    text: str
    held: bool


def verdict(at_mark: Sample, at_end: Sample, allowed: float = 0.10) -> Verdict:
    """RSS at the end is at most ``allowed`` (a share) above the RSS at the mark."""
    grown = at_end.rss / at_mark.rss - 1
    text = (
        f"RSS {at_mark.rss / MIB:.1f} MiB at {at_mark.ended:,} builds, {at_end.rss / MIB:.1f} MiB at"
        f" {at_end.ended:,}: {grown:+.1%} (allowed: {allowed:+.0%})"
    )
    return Verdict(text, at_end.rss <= at_mark.rss * (1 + allowed))


def per_thousand_kept(at_mark: Sample, at_end: Sample) -> float:
    """MiB of RSS for each further 1,000 ended builds that stay in the cluster."""
    return (at_end.rss - at_mark.rss) / MIB / ((at_end.kept - at_mark.kept) / 1000)
