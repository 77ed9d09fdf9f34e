"""The site as mkdocs makes it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

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


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The site's pages, built without a warning."""
    site = tmp_path_factory.mktemp("site")
    made = build(ROOT / "mkdocs.yml", site)
    assert made.returncode == 0, made.stderr
    return sorted(site.glob("*.html"))


def test_every_page_is_on_the_site(pages: list[Path]) -> None:
    """The build passes in strict mode, and each file of docs/ is a page."""
    assert {page.stem for page in (ROOT / "docs").glob("*.md")} <= {page.stem for page in pages}


def test_markdown_is_read_as_on_github(pages: list[Path]) -> None:
    """No list and no table is left as text: the site wants lists in lists, and code in lists, indented by four."""
    for page in pages:
        text = re.sub(r"<pre>.*?</pre>", "", page.read_text(), flags=re.DOTALL)
        assert not re.findall(r"^(?:<p>)?(?:[-*] |\| ).*", text, flags=re.MULTILINE), page.name


def test_pages_load_nothing_from_elsewhere(pages: list[Path]) -> None:
    """A browser that opens any page asks no other host: no fonts, no scripts, no pictures."""
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
