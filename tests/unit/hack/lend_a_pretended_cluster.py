"""A loan of a cluster that is two files: `lend_a_pretended_cluster.py FOLDER [OPTION…] -- COMMAND…`, for the tests."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from hack.cluster.forwarding import Command
from hack.cluster.loan import Lender, lend
from hack.cluster.places import ClusterError, State
from tests.support.waiting import until


def main() -> int:
    """The loan's exit code; 1 where the cluster did not come up."""
    split = sys.argv.index("--")
    folder, options, command = Path(sys.argv[1]), sys.argv[2:split], sys.argv[split + 1 :]

    def tell(word: str) -> None:
        with (folder / "story").open("a") as story:
            story.write(f"{word}\n")

    def up() -> None:
        (folder / "up").touch()
        tell("up")
        if "--slow-up" in options:
            until(lambda: False, seconds=60, what="an interrupt")
        if "--fail-up" in options:
            raise ClusterError("no luck")

    def down() -> None:
        if "--slow-down" in options:
            tell("clearing")
            until((folder / "go on").exists, seconds=60, what="the test goes on")
        (folder / "up").unlink()
        tell("down")

    lender = Lender(State(folder), up, down, (folder / "up").exists, lambda _: None, "the-removal")
    try:
        return lend(lender, Command(command, dict(os.environ)), keep="--keep" in options)
    except ClusterError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
