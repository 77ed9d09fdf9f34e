"""The live view of builds: a strip of stages for each platform, what goes on, links, and the end of the log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from publishbuild.cli.views.durations import human_duration
from publishbuild.cli.views.listing import eta_text
from publishbuild.cli.views.sight import Sight
from publishbuild.cli.views.stages import Stage, State, Track, tracks
from publishbuild.cli.views.styled import stacked, styled
from publishbuild.names import Phase

_LOOKS = {
    State.DONE: ("✓", "green"),
    State.ACTIVE: ("●", "bold cyan"),
    State.FAILED: ("✗", "bold red"),
    State.AHEAD: ("○", "dim"),
}
_PHASE_STYLES = {Phase.SUCCEEDED: "bold green", Phase.FAILED: "bold red", Phase.CANCELLED: "bold yellow"}
_INDENT = "  "


def board(sights: Sequence[Sight], log: Sequence[str], trouble: str, *, width: int, height: int) -> Text:
    """All builds on ``width`` times ``height`` characters: in full where they fit, else a line each.

    ``log`` is the end of the only build's log, ``trouble`` what keeps the view from being up to date.
    """
    lines = [line for sight in sights for line in _in_full(sight)]
    if len(lines) + len(log) > height - 1:
        log = log[-max(0, height - 1 - len(lines)) :] if len(lines) < height - 1 else ()
    if len(lines) > height - 1:
        lines = _in_short(sights, height - 1)
    lines += [styled(f"{_INDENT}│ {line}", style="dim") for line in log]
    if trouble:
        lines.append(styled(trouble, style="yellow"))
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return stacked(lines)


def _in_full(sight: Sight) -> Iterator[Text]:
    yield _head(sight)
    ways = tracks(sight)
    column = max(len(way.platform) for way in ways)
    for way in ways:
        yield styled(_INDENT, way.platform.ljust(column), _INDENT if column else "", _strip(way.stages))
        yield from (
            styled(f"{_INDENT}{' ' * column}{_INDENT if column else ''}{line}", style="dim") for line in _details(way)
        )
    yield from _attempts(sight)
    yield from _ending(sight)


def _in_short(sights: Sequence[Sight], most: int) -> list[Text]:
    """A line for each build, those that go on first, and how many more there are."""
    ordered = sorted(sights, key=lambda sight: sight.status.is_terminal)
    shown = ordered if len(ordered) <= most else ordered[: max(0, most - 1)]
    lines = []
    for sight in shown:
        doing = next(
            (f"{stage.name}" for way in tracks(sight) for stage in way.stages if stage.state is State.ACTIVE), ""
        )
        lines.append(styled(_head(sight), _INDENT, (doing, "cyan")))
    if len(shown) < len(ordered):
        lines.append(styled(f"… and {len(ordered) - len(shown)} more", style="dim"))
    return lines


def _head(sight: Sight) -> Text:
    status, phase = sight.status, sight.status.phase
    attempts = f"attempt {status.attempts} of {sight.most_attempts}" if status.attempts and sight.most_attempts else ""
    began = status.start_time or sight.facts.created
    lasted = human_duration(((status.completion_time or sight.now) - began).total_seconds())
    words = [attempts, lasted if status.start_time else f"waits for {lasted}"]
    style = _PHASE_STYLES.get(phase, "bold cyan") if phase else "bold"
    return styled((sight.name, "bold"), _INDENT, (str(phase or "Created"), style), *(
        f"{_INDENT}{word}" for word in words if word
    ))  # fmt: skip


def _strip(stages: Sequence[Stage]) -> Text:
    parts: list[Text] = []
    for stage in stages:
        mark, style = _LOOKS[stage.state]
        if parts:
            ahead = stage.state is State.AHEAD
            parts.append(styled(" ── " if ahead else " ━━ ", style="dim" if ahead else "green"))
        parts.append(styled(f"{mark} {stage.name}", style=style))
    return styled(*parts)


def _details(way: Track) -> Iterator[str]:
    yield from filter(None, (way.note, way.link))


def _attempts(sight: Sight) -> Iterator[Text]:
    for attempt in sight.status.failed_attempts[-2:]:
        said = f": {attempt.message}" if attempt.message else ""
        yield styled(f"{_INDENT}attempt {attempt.number} failed, {attempt.reason}{said}", style="yellow")
    if sight.next_attempt is not None:
        when = eta_text(sight.next_attempt, sight.now)
        yield styled(f"{_INDENT}next attempt {'any moment now' if when == 'now' else f'about {when}'}", style="yellow")


def _ending(sight: Sight) -> Iterator[Text]:
    said = sight.succeeded
    if said is not None and said.status != "Unknown":
        style = "green" if said.status == "True" else "red"
        yield styled(f"{_INDENT}{said.reason}: {said.message}", style=style)
