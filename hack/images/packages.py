"""Which packages an image holds: what dpkg, pip and npm have left on record in it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.parser import BytesParser
from fnmatch import fnmatch

_DPKG = "var/lib/dpkg/status"
_PYTHON = "*.dist-info/METADATA"
_NPM = "*node_modules/*/package.json"
_NODE = "usr/local/bin/node"
_NODE_SOURCE = re.compile(rb"/node-v(\d+\.\d+\.\d+)\.tar\.gz")


@dataclass(frozen=True, order=True)
class Package:
    """One package; ``kind`` as package URLs name it (deb, pypi, npm, generic), ``license`` where the record has one."""

    kind: str
    name: str
    version: str
    license: str = ""
    architecture: str = ""


def is_record(path: str) -> bool:
    """Whether a file of an image tells of a package."""
    return path in {_DPKG, _NODE} or fnmatch(path, _PYTHON) or fnmatch(path, _NPM)


def packages(files: Mapping[str, bytes]) -> list[Package]:
    """The packages that the records name, sorted, each version once."""
    found: set[Package] = set()
    for path, content in files.items():
        if path == _DPKG:
            found.update(_debian(content))
        elif path == _NODE:
            found.update(_node(content))
        elif fnmatch(path, _PYTHON):
            found.add(_python(content))
        else:
            found.update(_npm(content))
    return sorted(found)


def _debian(status: bytes) -> Iterator[Package]:
    for paragraph in status.split(b"\n\n"):
        fields = BytesParser().parsebytes(paragraph)
        if str(fields.get("Status", "")).endswith(" installed"):
            yield Package("deb", fields["Package"], fields["Version"], architecture=fields["Architecture"])


def _node(program: bytes) -> Iterator[Package]:
    """Node is copied in and on no record; the program itself says from which sources it was made."""
    made_of = _NODE_SOURCE.search(program)
    if made_of:
        yield Package("generic", "node", made_of[1].decode())


def _python(metadata: bytes) -> Package:
    fields = BytesParser().parsebytes(metadata, headersonly=True)
    return Package(
        "pypi", fields["Name"].lower().replace("_", "-"), fields["Version"], fields["License-Expression"] or ""
    )


def _npm(manifest: bytes) -> Iterator[Package]:
    """One package or none: packages keep manifests without a name in folders that set how code is loaded."""
    fields = json.loads(manifest)
    if isinstance(fields.get("name"), str) and isinstance(fields.get("version"), str):
        named = fields.get("license")
        yield Package("npm", fields["name"], fields["version"], named if isinstance(named, str) else "")
