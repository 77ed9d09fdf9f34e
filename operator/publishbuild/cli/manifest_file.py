"""One PublishBuild in a file of YAML or JSON, or on standard input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import typer

from publishbuild import names


def read_manifest(file: str) -> dict[str, Any]:
    """The PublishBuild in ``file``, ``-`` for standard input.

    Raises:
        typer.BadParameter: where it cannot be read, or holds anything else than one PublishBuild.
    """
    import yaml  # noqa: PLC0415  # comes with the extra `client`

    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text()
        found = [document for document in yaml.safe_load_all(text) if document is not None]
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}", param_hint="-f") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{file} is no YAML: {' '.join(str(error).split())}", param_hint="-f") from error
    if len(found) != 1:
        text = f"{file} holds {len(found)} objects: submit takes one, `kubectl apply -f` takes many"
        raise typer.BadParameter(text, param_hint="-f")
    manifest = found[0]
    wanted = {"apiVersion": names.API_VERSION, "kind": names.KIND}
    for key, value in wanted.items():
        said = manifest.get(key) if isinstance(manifest, dict) else None
        if said != value:
            raise typer.BadParameter(f"{file} holds {key} {said!r}: must be {value!r}", param_hint="-f")
    for key in ("metadata", "spec"):
        if not isinstance(manifest.setdefault(key, {}), dict):
            raise typer.BadParameter(f"{file}: {key} must be an object", param_hint="-f")
    return dict(manifest)
