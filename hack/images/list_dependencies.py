"""Print what pip must install for one flavour of this package, one requirement a line.

The images install third-party packages before the source is copied, so that a change of source reinstalls
nothing. pip has no option for "the dependencies, not the project", hence this. Standard library only: it runs in
the image.

Usage: list_dependencies.py PYPROJECT [EXTRA…]
"""

import sys
import tomllib
from pathlib import Path


def dependencies(pyproject: str, extras: list[str]) -> list[str]:
    """Return the base requirements and those of the extras, sorted: their order in the file changes nothing."""
    project = tomllib.loads(pyproject)["project"]
    wanted = set(project.get("dependencies", []))
    for extra in extras:
        wanted |= set(project["optional-dependencies"][extra])
    return sorted(wanted)


if __name__ == "__main__":
    sys.stdout.write("\n".join(dependencies(Path(sys.argv[1]).read_text("utf-8"), sys.argv[2:])) + "\n")
