"""The archive of an image with one program."""

import hashlib
import io
import json
import tarfile

from hack.cluster.images import single_program_image


def test_the_same_program_gives_the_same_archive() -> None:
    """The archive depends on its program alone, so that its digest tells whether the node has it."""
    assert single_program_image("a:b", b"program") == single_program_image("a:b", b"program")
    assert single_program_image("a:b", b"program") != single_program_image("a:b", b"other")


def test_the_archive_is_one_that_containerd_takes() -> None:
    """The manifest names parts that are there, and the config gives its layer's true digest."""
    with tarfile.open(fileobj=io.BytesIO(single_program_image("a:b", b"program"))) as archive:
        parts = {member.name: archive.extractfile(member) for member in archive}
        content = {name: file.read() for name, file in parts.items() if file}
    (manifest,) = json.loads(content["manifest.json"])
    assert manifest["RepoTags"] == ["a:b"]
    config = json.loads(content[manifest["Config"]])
    layer = content[manifest["Layers"][0]]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    with tarfile.open(fileobj=io.BytesIO(layer)) as files:
        program = files.getmember("program")
        assert program.mode & 0o111
