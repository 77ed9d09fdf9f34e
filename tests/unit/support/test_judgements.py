"""What judges the operator is itself right: verdicts of the soak and of the reliability figures, and their document."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.reliability.figures import Figure, table
from tests.soak.builds import Fate, planned
from tests.soak.samples import MIB, Sample, per_thousand_kept, verdict
from tests.support.figures_doc import write_between
from tests.support.spoiled_manifests import spoiled


def sample(ended: int, mib: float, kept: int = 200) -> Sample:
    return Sample(ended=ended, kept=kept, seconds=1, rss=int(mib * MIB), fds=50, sockets=40, tasks=45, threads=9)


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311  # a plan, not a secret


@pytest.mark.parametrize(("at_end", "held"), [(110.0, True), (110.1, False), (80.0, True)])
def test_memory_may_grow_by_a_tenth(at_end: float, held: bool) -> None:
    """10 % above the mark holds, more does not, and less is fine."""
    assert verdict(sample(1000, 100), sample(5000, at_end)).held is held


def test_the_price_of_kept_builds() -> None:
    """4,000 further builds that cost 10 MiB are 2.5 MiB a thousand."""
    assert per_thousand_kept(sample(1000, 100, 1000), sample(5000, 110, 5000)) == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("at_least", "promised", "worst", "held"), [(False, 2, 3, False), (False, 3, 3, True), (True, 2, 1, False)]
)
def test_the_worst_run_decides(at_least: bool, promised: float, worst: float, held: bool) -> None:
    """A promise holds where the worst run keeps it, whatever the median is; the table says so."""
    figure = Figure("x", "s", promised, (3, 1, 2), at_least=at_least)
    assert (figure.worst, figure.held) == (worst, held)
    assert ("**no**" in table([figure])) is not held


def test_figures_replace_figures_alone(tmp_path: Path) -> None:
    """What stands around the two comments is left as it was, and a second writing replaces the first."""
    document = tmp_path / "page.md"
    document.write_text("before\n<!-- x -->\n<!-- /x -->\nafter\n")
    write_between(document, "x", "one")
    write_between(document, "x", "two \\1")
    assert document.read_text() == "before\n<!-- x -->\n\ntwo \\1\n\n<!-- /x -->\nafter\n"


def test_a_page_without_the_comments_is_refused(tmp_path: Path) -> None:
    """Figures that have no place are an error and not lost."""
    document = tmp_path / "page.md"
    document.write_text("nothing\n")
    with pytest.raises(ValueError, match=r"page\.md has no <!-- x -->"):
        write_between(document, "x", "one")


def test_a_seed_gives_the_same_builds() -> None:
    """A run can be replayed: the same seed plans the same soak and spoils the same manifests."""
    plans = [[planned(n, draw) for n in range(50)] for draw in (seeded(3), seeded(3))]
    assert plans[0] == plans[1]
    spoils = [[spoiled(draw, f"b-{n}") for n in range(50)] for draw in (seeded(3), seeded(3))]
    assert spoils[0] == spoils[1]


def test_every_fate_is_met() -> None:
    """A soak of a few hundred builds has builds of each fate."""
    draw = seeded(1)
    assert {planned(n, draw).fate for n in range(300)} == set(Fate)
