"""What a build is kept under in the cache."""

from pathlib import Path

import pytest

from hack.cluster.go_builds import PACKAGES, cache_key, flags
from hack.cluster.places import REPOSITORY


@pytest.fixture
def module(tmp_path: Path) -> Path:
    (tmp_path / "go.mod").write_text("module m\n\nrequire k8s.io/kubernetes v1.35.4\n")
    (tmp_path / "go.sum").write_text("")
    (tmp_path / "main.go").write_text("package main\n")
    return tmp_path


def test_same_sources_and_go_give_the_same_key(module: Path) -> None:
    """A build is found again for as long as nothing that it was made of changed."""
    assert cache_key(module, (1, 26, 8)) == cache_key(module, (1, 26, 8))


@pytest.mark.parametrize("name", ["go.mod", "go.sum", "main.go"])
def test_any_changed_source_gives_another_key(module: Path, name: str) -> None:
    """A change of any file of the module leads to a build of its own."""
    before = cache_key(module, (1, 26, 8))
    (module / name).write_text((module / name).read_text() + "\n")
    assert cache_key(module, (1, 26, 8)) != before


def test_another_go_gives_another_key(module: Path) -> None:
    """A new compiler does not get the old one's work."""
    assert cache_key(module, (1, 26, 8)) != cache_key(module, (1, 27, 0))


def test_kubernetes_tells_the_version_that_it_was_built_from(module: Path) -> None:
    """The server's version follows go.mod: clients refuse a server whose version they cannot parse."""
    linker = flags(module)[-1]
    assert "gitVersion=v1.35.4" in linker
    assert "gitMajor=1" in linker
    assert "gitMinor=35" in linker


@pytest.mark.parametrize("name", PACKAGES)
def test_another_modules_program_is_a_tool_of_ours(name: str) -> None:
    """Its go.mod names the program, so that `go mod tidy` keeps what the program is built from."""
    (module,) = (path for path in REPOSITORY.glob(f"*/*/go/{name}/go.mod") if path.parts[-5] in {"hack", "tests"})
    assert f"\ntool {PACKAGES[name]}\n" in module.read_text()
