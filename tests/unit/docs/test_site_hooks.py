"""Links of a page that leave docs/: they lead to the repository, or name the file; a dead one is told."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from markdown import Markdown

from hack.docs.site_hooks import LinksOut

REPOSITORY = "https://git.example/acme/publishbuild"


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """The docs/ of a repository that has a README and a folder of examples."""
    (tmp_path / "README.md").touch()
    (tmp_path / "examples").mkdir()
    made = tmp_path / "docs"
    made.mkdir()
    return made


def rendered(docs: Path, text: str, repo_url: str | None = None) -> str:
    html: str = Markdown(extensions=[LinksOut(docs, repo_url)]).convert(text)
    return html


@pytest.mark.parametrize(
    ("link", "there"),
    [
        ("../README.md", "blob/HEAD/README.md"),
        ("../README.md#install", "blob/HEAD/README.md#install"),
        ("../examples/", "tree/HEAD/examples"),
    ],
)
def test_a_link_out_leads_to_the_repository(docs: Path, link: str, there: str) -> None:
    """Where the repository's address is known, a file or folder outside of docs/ is linked there, anchor included."""
    assert f'<a href="{REPOSITORY}/{there}">x</a>' in rendered(docs, f"[x]({link})", REPOSITORY)


def test_a_link_out_names_the_file_where_no_repository_is_known(docs: Path) -> None:
    """Without an address the link is plain text that says which file is meant."""
    html = rendered(docs, "[the README](../README.md)")
    assert "href" not in html
    assert '<span title="README.md of the repository">the README</span>' in html


@pytest.mark.parametrize("text", ["[x](queue.md)", "[x](#order)", "[x](https://git.example/y)", "`[x](../README.md)`"])
def test_other_links_stay_as_they_are(docs: Path, text: str) -> None:
    """Pages, anchors, the web and code are not touched."""
    assert rendered(docs, text, REPOSITORY) == Markdown().convert(text)


@pytest.mark.parametrize("link", ["../gone.md", "../../outside.md", "https:git.example", "ftp://git.example/x"])
def test_a_link_that_leads_nowhere_is_told(docs: Path, link: str, caplog: pytest.LogCaptureFixture) -> None:
    """A missing file and a malformed address are warnings, which mkdocs' strict mode makes errors."""
    with caplog.at_level(logging.WARNING, logger="mkdocs"):
        rendered(docs, f"[x]({link})")
    assert link in caplog.text
    assert "index.md" in caplog.text
