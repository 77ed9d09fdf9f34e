"""Only this driver's own leftovers are deleted, and never a step that some image's cache still needs."""

from pathlib import Path

from hack.images import leftovers

PRINTED = """
[1/7] STEP 2/2: RUN echo
--> 808980138c3
[3/7] STEP 2/4: ENV X=1
--> Using cache 6e4da99d3f6edf38ff52d8fe8dda8e33eb318a930d8092e45dee60b7560474f9
--> 6e4da99d3f6
Successfully tagged localhost/x:dev
c1169d81cd6e8f77d4481a53df73b69f1db5821a8d8e4b72b29c9a9fde6ee3842
""".splitlines()


def test_steps_are_read_from_what_a_build_prints() -> None:
    """A step counts once, whether it was run or came from the cache."""
    assert leftovers.steps_in(PRINTED) == {"808980138c3", "6e4da99d3f6"}


def test_first_build_retires_nothing(tmp_path: Path) -> None:
    """What was in the storage before this driver came is not its own to delete."""
    assert leftovers.retire(tmp_path, "localhost/a:dev", {"1", "2"}) == set()


def test_step_that_its_image_no_longer_uses_is_retired(tmp_path: Path) -> None:
    """The layer of last week's source goes as soon as this week's stands in its place."""
    leftovers.retire(tmp_path, "localhost/a:dev", {"1", "2"})
    assert leftovers.retire(tmp_path, "localhost/a:dev", {"1", "3"}) == {"2"}


def test_step_that_another_image_uses_stays(tmp_path: Path) -> None:
    """Images share stages: building one does not empty the other's cache."""
    leftovers.retire(tmp_path, "localhost/a:dev", {"1", "2"})
    leftovers.retire(tmp_path, "localhost/b:dev", {"2"})
    assert leftovers.retire(tmp_path, "localhost/a:dev", {"3"}) == {"1"}
