"""Build the images of this tree into archives, and say where they lie: `python -m hack.images build|list`."""

import argparse
import sys
import time

from hack.images.build import Options, archive_of, build
from hack.images.cache import cache_folder
from hack.images.catalogue import IMAGES, in_build_order
from hack.images.engine import default_bases
from hack.images.progress import BuildError, Progress


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m hack.images", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, told in (
        ("build", "build and export what has changed, then print the archives as `list` does"),
        ("list", "print the archives of the tree as it is, one path a line"),
    ):
        sub = verbs.add_parser(verb, help=told)
        sub.add_argument("--only", action="append", choices=list(IMAGES), default=[], help="repeatable")
        sub.add_argument(
            "--bases",
            choices=["local", "public"],
            default=default_bases(),
            help="start from a Debian made here, or from public images of a registry (default: %(default)s)",
        )
        if verb == "build":
            sub.add_argument("--fresh-base", action="store_true", help="make the local base anew")
    return parser.parse_args()


def _list(arguments: argparse.Namespace) -> None:
    """Print paths for `hack.cluster load`; an archive of an older tree is never passed off as this one's."""
    folder = cache_folder()
    for image in in_build_order(arguments.only):
        archive = archive_of(folder, image, arguments.bases)
        if not archive.exists():
            raise BuildError(f"{image.short} is not built from this tree: run `python -m hack.images build`")
        print(archive)


def main() -> int:
    """Return the exit code: 0 done, 1 with one message that says what to do."""
    arguments = _arguments()
    folder = cache_folder()
    progress = Progress(folder / "images.log")
    began = time.monotonic()
    try:
        if arguments.verb == "list":
            _list(arguments)
        else:
            archives = build(folder, Options(arguments.only, arguments.bases, arguments.fresh_base), progress)
            progress.say(f"images up to date in {time.monotonic() - began:.1f} s")
            print(*archives, sep="\n")
    except BuildError as error:
        progress.say(f"images: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
