"""The site as mkdocs makes it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

from tests.support.cluster import ROOT


def build(config: Path, site: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--config-file",
        str(config),
        "--site-dir",
        str(site),
    ]
    return subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False, timeout=120)


class Loaded(HTMLParser):
    """What a browser fetches for a page without being asked."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        wanted = {"script": "src", "img": "src", "iframe": "src", "link": "href"}.get(tag)
        self.addresses += [value for key, value in attrs if key == wanted and value]


def test_pages_load_nothing_from_elsewhere(tmp_path: Path) -> None:
    """A browser that opens any page asks no other host: no fonts, no scripts, no pictures."""
    made = build(ROOT / "mkdocs.yml", tmp_path)
    assert made.returncode == 0, made.stderr
    pages = list(tmp_path.glob("*.html"))
    assert {"index.html", "quickstart.html", "fields.html"} <= {page.name for page in pages}
    for page in pages:
        loaded = Loaded()
        loaded.feed(page.read_text())
        assert loaded.addresses
        assert not [address for address in loaded.addresses if "//" in address], page.name


def test_a_dead_link_fails_the_build(tmp_path: Path) -> None:
    """A link to a page, an anchor or a file that is not there ends the build with an error that names it."""
    for folder in ("docs", "hack/docs"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    for outside in ("README.md", "charts", "examples", "operator"):
        (tmp_path / outside).symlink_to(ROOT / outside)
    page = tmp_path / "docs" / "index.md"
    page.write_text(page.read_text() + "\n[a](gone.md) [b](queue.md#gone) [c](../gone.yaml)\n")
    made = build(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert made.returncode != 0
    for link in ("gone.md", "queue.md#gone", "../gone.yaml"):
        assert link in made.stderr
