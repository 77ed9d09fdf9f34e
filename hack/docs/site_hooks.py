"""Hooks of mkdocs: links of a page that leave `docs/` work on GitHub as they stand, and on the site as made here.

On the site they lead to the repository, where its address is known (`repo_url`), and else are plain text that names
the file. A file that is not there is a warning, and so, in strict mode, an error; so is a malformed web address.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor

log = logging.getLogger("mkdocs.hooks.links")
# After `inline` (20) has made the links, before mkdocs' own `relpath` (0) checks those that are left.
_PRIORITY = 5


class LinksOut(Extension):
    """Python-Markdown's way to reach a page's links. ``page`` is the file that is being rendered."""

    def __init__(self, docs: Path, repo_url: str | None) -> None:
        super().__init__()
        self.docs, self.repo_url = docs, repo_url
        self.page = docs / "index.md"

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802  # the name that Python-Markdown calls
        """Take part in the rendering of each page."""
        md.treeprocessors.register(_Links(self), "links_out", _PRIORITY)

    def mend(self, link: Element) -> None:
        """Change ``link`` where it leaves the folder of the pages; warn where it leads nowhere."""
        address = urlsplit(link.get("href", ""))
        if address.scheme or address.netloc:
            if address.scheme not in {"https", "http"} or not address.hostname:
                log.warning("%s: %r is not a web address", self.page.name, link.get("href"))
            return
        target = (self.page.parent / address.path).resolve()
        if not address.path or target.is_relative_to(self.docs):
            return
        root = self.docs.parent
        if not target.is_relative_to(root) or not target.exists():
            log.warning("%s: no file %r in the repository", self.page.name, link.get("href"))
            return
        self._lead_out(link, target.relative_to(root), address.fragment, "tree" if target.is_dir() else "blob")

    def _lead_out(self, link: Element, path: Path, fragment: str, kind: str) -> None:
        if self.repo_url:
            there = f"{self.repo_url.rstrip('/')}/{kind}/HEAD/{path.as_posix()}"
            link.set("href", f"{there}#{fragment}" if fragment else there)
        else:
            link.tag = "span"
            del link.attrib["href"]
            link.set("title", f"{path.as_posix()} of the repository")


class _Links(Treeprocessor):
    def __init__(self, links_out: LinksOut) -> None:
        super().__init__()
        self._links_out = links_out

    def run(self, root: Element) -> None:
        for link in list(root.iter("a")):
            self._links_out.mend(link)


def on_config(config: Any) -> Any:
    """Called once by mkdocs: take part in its rendering."""
    config.markdown_extensions.append(LinksOut(Path(config.docs_dir).resolve(), config.repo_url))
    return config


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """Called for each page before it is rendered: its links are relative to it."""
    for extension in config.markdown_extensions:
        if isinstance(extension, LinksOut):
            extension.page = Path(page.file.abs_src_path)
    return markdown
