"""The bill of materials: which packages an image holds, read from its archive, and CycloneDX's own schema."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from hack.images import reproducible, sbom
from hack.images.progress import BuildError

DPKG = """Package: git
Status: install ok installed
Architecture: amd64
Version: 1:2.39.5-0+deb12u2

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1.0
"""
FILES = {
    "var/lib/dpkg/status": DPKG,
    "opt/venv/lib/python3.12/site-packages/typing_extensions-4.15.0.dist-info/METADATA": (
        "Metadata-Version: 2.4\nName: typing_extensions\nVersion: 4.15.0\nLicense-Expression: PSF-2.0\n\nName: no\n"
    ),
    "usr/local/lib/node_modules/eas-cli/package.json": '{"name": "eas-cli", "version": "24.8.0", "license": "MIT"}',
    "usr/local/lib/node_modules/eas-cli/node_modules/@expo/x/package.json": '{"name": "@expo/x", "version": "1.0.0"}',
    "usr/local/lib/node_modules/eas-cli/node_modules/@expo/x/esm/package.json": '{"type": "module"}',
    "usr/local/bin/node": "\0https://nodejs.org/download/release/v22.20.0/node-v22.20.0.tar.gz\0",
    "app/package.json": '{"name": "no-package-of-the-image", "version": "1.0.0"}',
}
HELD = {
    "pkg:deb/debian/git@1:2.39.5-0%2Bdeb12u2?arch=amd64",
    "pkg:pypi/typing-extensions@4.15.0",
    "pkg:npm/eas-cli@24.8.0",
    "pkg:npm/%40expo/x@1.0.0",
    "pkg:generic/node@22.20.0",
}


def packed(files: dict[str, str | bytes]) -> bytes:
    """A tar of regular files."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return made.getvalue()


def an_image(folder: Path, *layers: dict[str, str | bytes], config: str = "c0ffee", name: str = "image.tar") -> Path:
    """An archive as `docker save` writes it."""
    names = [f"layer{number}.tar" for number in range(len(layers))]
    manifest = json.dumps([{"Config": f"{config}.json", "RepoTags": [], "Layers": names}])
    tars: dict[str, str | bytes] = {name: packed(layer) for name, layer in zip(names, layers, strict=True)}
    (folder / name).write_bytes(packed({"manifest.json": manifest, **tars}))
    return folder / name


def purls(bill: Path) -> set[str]:
    components = json.loads(bill.read_text(encoding="utf-8")).get("components", ())
    return {component["purl"] for component in components}


def test_each_package_is_listed(tmp_path: Path) -> None:
    """Debian's, Python's and npm's packages and Node are in the bill, and nothing else; the schema holds."""
    assert sbom.write(an_image(tmp_path, {**FILES}), "runner", "0.1.0", tmp_path / "bill.json") == len(HELD)
    assert purls(tmp_path / "bill.json") == HELD


def test_upper_layers_win(tmp_path: Path) -> None:
    """A package that a later layer removes or replaces is listed as a container would find it."""
    upper: dict[str, str | bytes] = {
        "usr/local/lib/node_modules/.wh.eas-cli": "",
        "var/lib/dpkg/status": DPKG.replace("1:2.39.5", "1:2.50.0"),
    }
    sbom.write(an_image(tmp_path, {**FILES}, upper), "runner", "0.1.0", tmp_path / "bill.json")
    left = purls(tmp_path / "bill.json")
    assert not any(purl.startswith("pkg:npm") for purl in left)
    assert "pkg:deb/debian/git@1:2.50.0-0%2Bdeb12u2?arch=amd64" in left


def test_the_same_image_gives_the_same_bill(tmp_path: Path) -> None:
    """Two bills of one image are the same text, and two of different images have different serial numbers."""
    texts = []
    for number, config in enumerate(("c0ffee", "c0ffee", "decade")):
        sbom.write(an_image(tmp_path, {**FILES}, config=config), "runner", "0.1.0", tmp_path / f"{number}.json")
        texts.append((tmp_path / f"{number}.json").read_text(encoding="utf-8"))
    assert texts[0] == texts[1]
    assert json.loads(texts[0])["serialNumber"] != json.loads(texts[2])["serialNumber"]


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    """An archive whose layers are no files is refused in one line."""
    manifest = json.dumps([{"Config": "c.json", "Layers": ["folder"]}])
    with tarfile.open(tmp_path / "image.tar", "w") as tar:
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(manifest)
        tar.addfile(entry, io.BytesIO(manifest.encode()))
    with pytest.raises(BuildError, match="folder is no file"):
        sbom.write(tmp_path / "image.tar", "runner", "0.1.0", tmp_path / "bill.json")


def test_what_differs_between_two_builds_is_named(tmp_path: Path) -> None:
    """A changed file, one that is missing, and a change of settings alone are each told."""
    first = an_image(tmp_path, {"a": "1", "b": "2"}, name="first.tar")
    second = an_image(tmp_path, {"a": "1", "b": "3"}, config="decade", name="second.tar")
    third = an_image(tmp_path, {"a": "1"}, config="facade", name="third.tar")
    assert [line.split(":")[0] for line in reproducible.differences(first, second)] == ["layer 0 b"]
    assert [line.rpartition("-> ")[2] for line in reproducible.differences(first, third)] == ["absent"]
    assert [*reproducible.differences(first, first)] == ["no file differs: the settings or their history do"]
    assert reproducible.digest(first) == "sha256:c0ffee" != reproducible.digest(second)
