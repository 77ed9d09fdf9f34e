"""The content key decides whether an image is built again: too dull, and a stale image is demonstrated."""

import os
from pathlib import Path

import pytest

from hack.images.content_key import content_key

INPUTS = ("Dockerfile", "operator")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "operator" / "deep").mkdir(parents=True)
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "operator" / "a.py").write_text("a = 1\n")
    (tmp_path / "operator" / "deep" / "b.py").write_text("b = 1\n")
    (tmp_path / "notes.md").write_text("not an input\n")
    return tmp_path


def test_same_tree_same_key_whatever_the_times(tree: Path) -> None:
    """A fresh checkout of the same files finds the archive that another checkout built."""
    before = content_key(tree, INPUTS)
    os.utime(tree / "operator" / "a.py", (1, 1))
    assert content_key(tree, reversed(INPUTS)) == before


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Dockerfile", "FROM other\n"),
        ("operator/a.py", "a = 2\n"),
        ("operator/deep/b.py", ""),
        ("operator/new.py", ""),
    ],
)
def test_any_change_of_an_input_changes_the_key(tree: Path, path: str, text: str) -> None:
    """No edit, however deep or empty the file, is missed."""
    before = content_key(tree, INPUTS)
    (tree / path).write_text(text)
    assert content_key(tree, INPUTS) != before


def test_renamed_and_deleted_files_change_the_key(tree: Path) -> None:
    """The place of a file counts as much as its content, and its absence as well."""
    keys = {content_key(tree, INPUTS)}
    (tree / "operator" / "a.py").rename(tree / "operator" / "c.py")
    keys.add(content_key(tree, INPUTS))
    (tree / "operator" / "c.py").unlink()
    keys.add(content_key(tree, INPUTS))
    (tree / "Dockerfile").unlink()
    keys.add(content_key(tree, INPUTS))
    assert len(keys) == 4


def test_executable_bit_changes_the_key(tree: Path) -> None:
    """A script that becomes executable is a different image."""
    before = content_key(tree, INPUTS)
    (tree / "operator" / "a.py").chmod(0o755)
    assert content_key(tree, INPUTS) != before


@pytest.mark.parametrize("path", ["notes.md", "operator/__pycache__/a.cpython-311.pyc", "operator/node_modules/x.js"])
def test_what_never_gets_into_the_image_leaves_the_key_alone(tree: Path, path: str) -> None:
    """Running the tests, which writes byte code, costs no rebuild."""
    before = content_key(tree, INPUTS)
    (tree / path).parent.mkdir(exist_ok=True)
    (tree / path).write_text("changed")
    assert content_key(tree, INPUTS) == before


def test_settings_count_and_cannot_be_mistaken_for_each_other(tree: Path) -> None:
    """Another base, version or choice gives another key, also when the texts join to the same letters."""
    keys = {content_key(tree, INPUTS, settings) for settings in ([], ["ab"], ["a", "b"], ["a"], ["bases public"])}
    assert len(keys) == 5
