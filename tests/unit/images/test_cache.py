"""The cache hands out whole archives only, and does not grow without end."""

import os
from pathlib import Path

import pytest

from hack.images import cache
from hack.prepare.surroundings import cache_folder


def archives(folder: Path, *names: str) -> list[Path]:
    """Make archives, the first used longest ago."""
    paths = [cache.archive_path(folder, *name.split(":")) for name in names]
    for age, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("archive")
        os.utime(path, (age, age))
    return paths


def test_prune_keeps_the_newest_two_of_each_image(tmp_path: Path) -> None:
    """Old archives go, those of another image stay, however old."""
    other, *mine = archives(tmp_path, "operator:0", "runner:1", "runner:2", "runner:3", "runner:4")
    assert sorted(cache.prune(tmp_path, "runner")) == sorted(mine[:2])
    assert [path.exists() for path in (other, *mine)] == [True, False, False, True, True]


def test_prune_never_takes_the_archive_just_built(tmp_path: Path) -> None:
    """A clock that was set back does not cost the archive that the caller is about to load."""
    built, *_ = archives(tmp_path, "runner:1", "runner:2", "runner:3")
    assert cache.prune(tmp_path, "runner", spare=built) == []


def test_prune_takes_what_a_killed_run_left_half_written(tmp_path: Path) -> None:
    """A run that was killed while it exported leaves no hundreds of megabytes behind for good."""
    (whole,) = archives(tmp_path, "runner:1")
    half = whole.with_name("runner-2.tar.part")
    half.write_text("half")
    assert cache.prune(tmp_path, "runner") == [half]
    assert whole.exists()


def test_failed_write_leaves_the_old_file_and_no_half_one(tmp_path: Path) -> None:
    """Whoever finds an archive under its name finds a whole one."""
    (target,) = archives(tmp_path, "runner:1")

    def export() -> None:
        with cache.replaced_whole(target) as part:
            part.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        export()
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    assert target.read_text() == "archive"


def test_finished_write_replaces_the_file(tmp_path: Path) -> None:
    """The new archive stands under the name once the block has ended."""
    target = tmp_path / "images" / "runner-1.tar"
    with cache.replaced_whole(target) as part:
        part.write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HOME": "/home/u"}, "/home/u/.cache/publishbuild"),
        ({"HOME": "/home/u", "XDG_CACHE_HOME": ""}, "/home/u/.cache/publishbuild"),
        ({"HOME": "/home/u", "XDG_CACHE_HOME": "relative"}, "/home/u/.cache/publishbuild"),
        ({"HOME": "/home/u", "XDG_CACHE_HOME": "/big"}, "/big/publishbuild"),
    ],
)
def test_cache_lies_where_xdg_says(environ: dict[str, str], expected: str) -> None:
    """The folder follows XDG_CACHE_HOME, and an empty or relative one counts as unset, as the rule demands."""
    assert str(cache_folder(environ)) == expected


def test_second_builder_says_that_it_waits(tmp_path: Path) -> None:
    """Nobody stares at a silent terminal: the lock's second comer says so before it waits."""
    said: list[str] = []

    class ToldError(Exception):
        pass

    def say(line: str) -> None:
        said.append(line)
        raise ToldError

    with cache.only_one(tmp_path, said.append), pytest.raises(ToldError), cache.only_one(tmp_path, say):
        pass
    assert said[0].startswith("waiting for another build of the images to end: ")
    assert said[0].endswith(f"(pid {os.getpid()}) has its lock")
    assert len(said) == 1
