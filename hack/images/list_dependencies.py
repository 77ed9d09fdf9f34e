"""Print what pip must install for one flavour of this package, one requirement a line.

The images install third-party packages before the source is copied, so that a change of source reinstalls
nothing. pip has no option for "the dependencies, not the project", hence this. Standard library only: it runs in
the image.

Usage: list_dependencies.py PYPROJECT [EXTRA…]
"""

import re
import sys
import tomllib
from pathlib import Path


def dependencies(pyproject: str, extras: list[str]) -> list[str]:
    """Return the base requirements and those of the extras, sorted: their order in the file changes nothing.

    An extra that names the project itself with other extras (``name[other]``) stands for theirs.
    """
    project = tomllib.loads(pyproject)["project"]
    itself = re.compile(rf"{re.escape(project['name'])}\[(.+)\]")
    wanted: set[str] = set()
    lists = [project.get("dependencies", []), *(project["optional-dependencies"][extra] for extra in extras)]
    while lists:
        for requirement in lists.pop():
            if own := itself.fullmatch(requirement):
                lists += [project["optional-dependencies"][extra.strip()] for extra in own[1].split(",")]
            else:
                wanted.add(requirement)
    return sorted(wanted)


if __name__ == "__main__":
    sys.stdout.write("\n".join(dependencies(Path(sys.argv[1]).read_text("utf-8"), sys.argv[2:])) + "\n")
