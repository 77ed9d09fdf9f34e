"""The pages that are made from the code: `python -m hack.docs generate|verify`."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable
from pathlib import Path

from hack.docs.commands import commands_page
from hack.docs.fields import fields_page
from publishbuild.cli.reasons.document import document

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES: dict[str, Callable[[], str]] = {"fields.md": fields_page, "cli.md": commands_page, "reasons.md": document}


def main() -> int:
    """Return the exit code: 1 where a page is not what its source makes."""
    parser = argparse.ArgumentParser(prog="python -m hack.docs", description=__doc__)
    parser.add_argument("verb", choices=["generate", "verify"])
    if parser.parse_args().verb == "generate":
        for name, made in PAGES.items():
            (DOCS / name).write_text(made(), encoding="utf-8")
        return 0
    stale = [name for name, made in PAGES.items() if _differs(DOCS / name, made())]
    for name in stale:
        sys.stderr.write(f"make: docs/{name} is out of date: make generate\n")
    return 1 if stale else 0


def _differs(page: Path, wanted: str) -> bool:
    """Whether ``page`` is another text than ``wanted``; what is different is printed."""
    found = page.read_text(encoding="utf-8") if page.exists() else ""
    lines = difflib.unified_diff(found.splitlines(), wanted.splitlines(), f"docs/{page.name}", "made anew", lineterm="")
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return found != wanted


if __name__ == "__main__":
    sys.exit(main())
