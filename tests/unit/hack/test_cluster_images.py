"""The archive of an image with one program, and what loading archives makes of the node's names."""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hack.cluster import images
from hack.cluster.images import load, names_in, single_program_image
from hack.cluster.places import ClusterError, State
from hack.images.names import Alias


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


class Node:
    """Records what containerd is told, in place of a node; its images by name, with the archive that each came from."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []
        self.images: dict[str, str] = {}

    def ctr(self, _state: State, *arguments: str) -> None:
        self.told.append(arguments)
        if arguments[0] == "import":
            archive = Path(arguments[1])
            self.images |= dict.fromkeys(names_in(archive), archive.stem)
        else:
            self.images[arguments[-1]] = self.images[arguments[-2]]


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Node:
    made = Node()
    monkeypatch.setattr(images, "_ctr", made.ctr)
    return made


@pytest.fixture
def archive(tmp_path: Path) -> Callable[[str], Path]:
    """Makes archives of one image, `localhost/app:dev`, whose content is the archive's name."""

    def make(name: str) -> Path:
        made = tmp_path / f"{name}.tar"
        made.write_bytes(single_program_image("localhost/app:dev", name.encode()))
        return made

    return make


ALIASES = {"localhost/app:dev": Alias("docker.io/library/app:1.0")}


def test_an_image_is_on_the_node_under_its_alias_too(
    tmp_path: Path, node: Node, archive: Callable[[str], Path]
) -> None:
    """Both names mean the archive that was loaded last, also one that was loaded before another of the same name."""
    state = State(tmp_path / "state")
    for name in ("old", "new", "old"):
        load(state, [archive(name)], aliases=ALIASES)
        assert node.images == {"localhost/app:dev": name, "docker.io/library/app:1.0": name}


def test_what_is_on_the_node_is_not_loaded_again(tmp_path: Path, node: Node, archive: Callable[[str], Path]) -> None:
    """Nothing is done for an archive whose names all mean it; a further alias is given to what is there already."""
    state = State(tmp_path / "state")
    load(state, [archive("app")])
    load(state, [archive("app")], aliases=ALIASES)
    assert node.images["docker.io/library/app:1.0"] == "app"
    before = len(node.told)
    load(state, [archive("app")], aliases=ALIASES)
    assert len(node.told) == before


def test_a_file_of_another_kind_is_told(tmp_path: Path, node: Node) -> None:
    """What is no archive is one line that names the file, and nothing is loaded."""
    (tmp_path / "app.tar").write_text("text")
    with pytest.raises(ClusterError, match=r"app.tar is no docker-archive"):
        load(State(tmp_path), [tmp_path / "app.tar"])
    with pytest.raises(ClusterError, match=r"no image archive .*gone.tar"):
        load(State(tmp_path), [tmp_path / "gone.tar"])
    assert not node.told
