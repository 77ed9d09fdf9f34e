"""Build the images of this tree, and look into them: `python -m hack.images build|list|push|sbom|reproducible`."""

import argparse
import sys
import time
from pathlib import Path

from hack.images import reproducible
from hack.images.build import Options, archive_of, build, version
from hack.images.catalogue import IMAGES, ROOT, Image, in_build_order
from hack.images.engine import choose, default_bases
from hack.images.names import at_registry, checked_registry
from hack.images.progress import BuildError, Progress
from hack.prepare.surroundings import cache_folder, end_by_exit, in_words, settle


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m hack.images", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, told in (
        ("build", "build and export what has changed, then print the archives as `list` does"),
        ("list", "print the archives of the tree as it is, one path a line"),
        ("push", "build what has changed, and push all to a registry"),
        ("sbom", "write a bill of materials (CycloneDX) for each archive that `list` prints"),
        ("reproducible", "build twice from nothing, and fail where an image is not the same to the byte"),
    ):
        sub = verbs.add_parser(verb, help=told)
        sub.add_argument("--only", action="append", choices=list(IMAGES), default=[], help="repeatable")
        sub.add_argument(
            "--bases",
            choices=["local", "public"],
            default=default_bases(),
            help="start from a Debian made here, or from public images of a registry (default: %(default)s)",
        )
        if verb == "sbom":
            sub.add_argument(
                "--into", type=Path, default=ROOT / ".cluster" / "sbom", help="folder (default: %(default)s)"
            )
        if verb == "push":
            sub.add_argument("--registry", required=True, help="where to, such as registry.example/me")
        if verb == "build":
            sub.add_argument("--fresh-base", action="store_true", help="make the local base anew")
    return parser.parse_args()


def _archives(arguments: argparse.Namespace) -> dict[Image, Path]:
    """The archives there are; one of an older tree is never passed off as this one's."""
    folder = cache_folder()
    archives = {image: archive_of(folder, image, arguments.bases) for image in in_build_order(arguments.only)}
    missing = [image.short for image, archive in archives.items() if not archive.exists()]
    if missing:
        raise BuildError(f"{', '.join(missing)}: not built from this tree: run `python -m hack.images build`")
    return archives


def _sbom(arguments: argparse.Namespace, progress: Progress) -> None:
    from hack.images import sbom  # noqa: PLC0415  # its library is no part of what the demo installs

    for image, archive in _archives(arguments).items():
        target = arguments.into / f"sbom-{image.short}.cdx.json"
        count = sbom.write(archive, f"publishbuild-{image.short}", version(), target)
        progress.say(f"{image.short}: {count} packages")
        print(target)


def _push(arguments: argparse.Namespace, folder: Path, progress: Progress) -> None:
    """Push each image and print its new name, one a line. A REGISTRY that is none is told before anything is built."""
    try:
        checked_registry(arguments.registry)
    except ValueError as error:
        raise BuildError(str(error)) from None
    build(folder, Options(arguments.only, arguments.bases), progress)
    builder = choose(progress, folder, ())
    for image, archive in _archives(arguments).items():
        target = at_registry(image.name, arguments.registry)
        with progress.step(f"{image.short}: push to {target}") as step:
            builder.push(step, archive, image.name, target)
        print(target)


def main() -> int:
    """Return the exit code: 0 done, 1 with one message that says what to do."""
    arguments = _arguments()
    settle()
    # Ended by whoever runs it beside something else: what it made half is cleared away.
    end_by_exit()
    folder = cache_folder()
    progress = Progress(folder / "images.log")
    began = time.monotonic()
    try:
        if arguments.verb == "list":
            print(*_archives(arguments).values(), sep="\n")
        elif arguments.verb == "sbom":
            _sbom(arguments, progress)
        elif arguments.verb == "push":
            _push(arguments, folder, progress)
        elif arguments.verb == "reproducible":
            reproducible.compare(folder, arguments.only, arguments.bases, progress)
        else:
            archives = build(folder, Options(arguments.only, arguments.bases, arguments.fresh_base), progress)
            progress.say(f"images up to date in {time.monotonic() - began:.1f} s")
            print(*archives, sep="\n")
    except (BuildError, OSError) as error:
        progress.say(f"images: {in_words(error) if isinstance(error, OSError) else error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
