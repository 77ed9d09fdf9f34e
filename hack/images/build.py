"""From the tree to archives: what is unchanged costs a look; what changed is built, exported, and kept."""

import os
import tempfile
import tomllib
from collections.abc import Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from hack.images import base, cache, engine, host_settings
from hack.images.catalogue import IMAGES, NODE_REPOSITORY, RECIPES, ROOT, RUNNER_NAME, Image, in_build_order
from hack.images.content_key import content_key
from hack.images.engine import Engine, Recipe
from hack.images.progress import BuildError, Progress


@dataclass(frozen=True)
class Options:
    """What the person at the terminal chose."""

    only: Collection[str] = ()
    bases: str = "local"
    fresh_base: bool = False
    cached: bool = True


def archive_of(folder: Path, image: Image, bases: str) -> Path:
    """Return where the archive of this image, as the tree is now, lies or will lie."""
    settings = [f"bases {bases}", *([base.base_key()] if bases == "local" else [])]
    return cache.archive_path(folder, image.short, content_key(ROOT, image.inputs, settings))


def build(folder: Path, options: Options, progress: Progress) -> list[Path]:
    """Bring the archives of the images asked for up to the tree, say of each what there was to do, return them."""
    with cache.only_one(folder, progress.say):
        archives = {image: archive_of(folder, image, options.bases) for image in in_build_order(options.only)}
        stale: dict[str, Path] = {}
        for image, archive in archives.items():
            if archive.exists() and options.cached and not options.fresh_base:
                os.utime(archive)
                progress.say(f"✓ {image.short}: unchanged, {_size(archive)}")
            else:
                stale[image.short] = archive
        if stale:
            progress.fresh_log()
            _require_inputs(stale)
            with tempfile.TemporaryDirectory(prefix="publishbuild-images-") as scratch:
                builder = engine.choose(progress, folder, host_settings.write_mounts(Path(scratch), os.environ))
                _build_stale(stale, _Work(folder, options, progress, builder))
        return list(archives.values())


def _require_inputs(stale: Mapping[str, Path]) -> None:
    missing = {path for short in stale for path in IMAGES[short].inputs if not (ROOT / path).exists()}
    if missing:
        raise BuildError(f"the tree lacks {', '.join(sorted(missing))}, of which the images are made")


@dataclass(frozen=True)
class _Work:
    """What every step of one build is told."""

    folder: Path
    options: Options
    progress: Progress
    builder: Engine


def _build_stale(stale: Mapping[str, Path], work: _Work) -> None:
    """Build one after the other, each exported beside the next one's build.

    An image that a stale one starts from is always built too: the name in the engine's storage may be that of
    another tree, even where this tree's archive exists. If nothing changed, that takes seconds.
    """
    needed = {*stale, *(needs for short in stale if (needs := IMAGES[short].needs))}
    args = {"VERSION": version(), **_bases(needed, work)}
    exports: list[Future[None]] = []
    with ThreadPoolExecutor(max_workers=1) as beside:
        for image in in_build_order(needed):
            told = {**args, "RUNNER": RUNNER_NAME} if image.needs else args
            recipe = Recipe(image.name, ROOT / image.dockerfile, ROOT, image.target, told, work.options.cached)
            with work.progress.step(f"{image.short}: build with {work.builder.name}") as step:
                work.builder.build(step, recipe)
            if image.short in stale:
                _require_unmoved(image, stale[image.short], work)
                exports.append(beside.submit(_export, image, stale[image.short], work))
    for export in exports:
        export.result()
    for short, archive in stale.items():
        cache.prune(work.folder, short, spare=archive)


def _require_unmoved(image: Image, archive: Path, work: _Work) -> None:
    """Refuse to keep, under the old tree's key, an image into which half of an edit may have slipped."""
    if archive_of(work.folder, image, work.options.bases) != archive:
        raise BuildError(f"the tree changed while {image.short} was built: run it again")


def _bases(needed: Collection[str], work: _Work) -> dict[str, str]:
    """Return the build arguments that say what the images start from; local bases are made now if missing."""
    if work.options.bases == "public":
        return {}
    name = base.ensure_base(work.folder, work.builder, work.progress, fresh=work.options.fresh_base)
    if not {"runner", "standins"} & set(needed):
        return {"PYTHON_BASE": name}
    node = f"{NODE_REPOSITORY}:dev"
    with work.progress.step("base: node") as step:
        recipe = ROOT / RECIPES / "node.Dockerfile"
        work.builder.build(
            step, Recipe(node, recipe, recipe.parent, args={"PYTHON_BASE": name}, cached=work.options.cached)
        )
    return {"PYTHON_BASE": name, "NODE_BASE": node}


def _export(image: Image, archive: Path, work: _Work) -> None:
    with work.progress.aside(f"{image.short}: export") as step, cache.replaced_whole(archive) as part:
        work.builder.export(step, image.name, part)
        step.note = _size(part)


def version() -> str:
    """Return the version of this tree, for the images' labels: written in one place only."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"])


def _size(archive: Path) -> str:
    return f"{archive.stat().st_size / 1e6:.0f} MB"
