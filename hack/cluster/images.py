"""Image archives: make the one that every pod needs, and put archives onto the real node."""

import hashlib
import io
import json
import platform
import subprocess
import tarfile
from pathlib import Path

from hack.cluster.go_builds import built
from hack.cluster.node import PAUSE_IMAGE
from hack.cluster.places import ClusterError, State, write_private
from hack.cluster.progress import note

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


def load(state: State, archives: list[Path], *, quiet: bool = False) -> None:
    """Import docker-archives into the node, those whose content is there already excepted."""
    say = (lambda _: None) if quiet else note
    record = state / "loaded.json"
    loaded: dict[str, str] = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    for archive in archives:
        if not archive.is_file():
            raise ClusterError(f"there is no image archive {archive}")
        with archive.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest in loaded:
            say(f"{archive.name} is on the node already")
            continue
        ctr = ["ctr", "--address", str(state.socket), "--namespace", "k8s.io"]
        done = subprocess.run([*ctr, "images", "import", str(archive)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise ClusterError(f"could not load {archive}: {done.stderr.strip()}")
        loaded[digest] = archive.name
        write_private(record, json.dumps(loaded, indent=2) + "\n")
        say(f"loaded {archive.name}")
