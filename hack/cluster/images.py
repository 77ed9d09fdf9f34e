"""Image archives: make the one that every pod needs, and put archives onto the real node."""

import hashlib
import io
import json
import platform
import subprocess
import tarfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from hack.cluster.go_builds import built
from hack.cluster.node import PAUSE_IMAGE
from hack.cluster.places import ClusterError, State, write_private
from hack.cluster.progress import note
from hack.cluster.trust import read_object
from hack.images.names import Alias

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def single_program_image(name: str, program: bytes) -> bytes:
    """A docker-archive of an image that holds one program and runs it.

    The same program gives the same bytes: nothing in it depends on the time or on who made it.
    """
    layer = _tar({"program": (program, 0o755)})
    layer_digest = hashlib.sha256(layer).hexdigest()
    config = {
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Entrypoint": ["/program"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
    }
    config_bytes = json.dumps(config, sort_keys=True).encode()
    config_name = f"{hashlib.sha256(config_bytes).hexdigest()}.json"
    layer_name = f"{layer_digest}.tar"
    manifest = json.dumps([{"Config": config_name, "RepoTags": [name], "Layers": [layer_name]}]).encode()
    parts = {config_name: config_bytes, layer_name: layer, "manifest.json": manifest}
    return _tar({part: (content, 0o644) for part, content in parts.items()})


def _tar(files: dict[str, tuple[bytes, int]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, (content, mode) in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def pause_archive() -> Path:
    """The image whose only work is to hold a pod's namespaces; it lies beside its program in the cache."""
    program = built("pause")
    archive = program.with_name("pause.tar")
    if not archive.exists():
        aside = archive.with_name(".pause.tar.new")
        aside.write_bytes(single_program_image(PAUSE_IMAGE, program.read_bytes()))
        aside.replace(archive)
    return archive


def load(
    state: State, archives: list[Path], *, aliases: Mapping[str, Alias] = MappingProxyType({}), quiet: bool = False
) -> None:
    """Import docker-archives into the node, and give their images the ``aliases`` of their names as well.

    An archive is skipped if each of its names already means its content: the same name may have meant that of another
    archive meanwhile.

    Raises:
        ClusterError: an archive is missing, or containerd does not take it.
    """
    record = state / "loaded.json"
    loaded: dict[str, str] = {}
    with suppress(OSError, ValueError):  # what cannot be read is loaded again
        loaded = read_object(record)
    for archive in archives:
        names, digest = names_in(archive), digest_of(archive)
        further = {name: aliases[name] for name in names if name in aliases}
        wanted = [*names, *(alias.name for alias in further.values())]
        told = "is on the node already"
        if any(loaded.get(name) != digest for name in wanted):
            _ctr(state, "import", str(archive))
            for name, alias in further.items():
                _ctr(state, "tag", "--force", name, alias.name)
            loaded |= dict.fromkeys(wanted, digest)
            write_private(record, json.dumps(loaded, indent=2) + "\n")
            told = "loaded"
        if not quiet:
            note(f"{archive.name} {told}" + "".join(map(_also, further.values())))


def digest_of(archive: Path) -> str:
    """The content of an archive, as one short text.

    Raises:
        ClusterError: there is no such file.
    """
    if not archive.is_file():
        raise ClusterError(f"there is no image archive {archive}")
    with archive.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def names_in(archive: Path) -> list[str]:
    """The names that a docker-archive gives its images.

    Raises:
        ClusterError: it is not one.
    """
    try:
        with tarfile.open(archive) as tar:
            manifest = tar.extractfile("manifest.json")
            images = json.load(manifest) if manifest else []
    except FileNotFoundError as error:
        raise ClusterError(f"there is no image archive {archive}") from error
    except (tarfile.TarError, KeyError, ValueError) as error:
        raise ClusterError(f"{archive} is no docker-archive: {error}") from error
    return [name for image in images for name in image.get("RepoTags") or ()]


def _also(alias: Alias) -> str:
    remark = f" ({alias.remark})" if alias.remark else ""
    return f", also as {alias.name}, the chart's default{remark}"


def _ctr(state: State, *arguments: str) -> None:
    command = ["ctr", "--address", str(state.socket), "--namespace", "k8s.io", "images", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ClusterError(f"ctr images {' '.join(arguments)}: {done.stderr.strip()}")
