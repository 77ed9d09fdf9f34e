"""What of this machine goes along into the fresh one: how its package registries are reached, and nothing else."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

FILES = (
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/apt/auth.conf",
    "/etc/apt/auth.conf.d",
    "/etc/pip.conf",
    "/etc/npmrc",
    "/usr/etc/npmrc",
    "/usr/local/etc/npmrc",
    "/etc/ssl/certs/ca-certificates.crt",
    "/usr/local/share/ca-certificates",
)
OF_HOME = (".npmrc", ".netrc", ".config/pip/pip.conf", ".pip/pip.conf", ".config/go/env")
_VARIABLE = re.compile(
    r"(PIP|NPM_CONFIG|npm_config)_\w+|(HTTPS?|ALL|NO)_PROXY|(https?|all|no)_proxy|GO(PROXY|SUMDB|PRIVATE|INSECURE)"
    r"|GONO(PROXY|SUMDB)|\w*CA_BUNDLE|SSL_CERT_FILE|NODE_EXTRA_CA_CERTS|GIT_SSL_CAINFO|PIP_CERT"
)
_APT = re.compile(r'^Acquire::(https?|Retries|ForceIPv\d|Check-Valid-Until)\b.* "[^"]+";$', re.MULTILINE)
_APT_FILE = re.compile(r'::(?:CaInfo|SslCert|SslKey) "(/[^"]+)";')


def passed_on(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that say how registries are reached. A folder of this machine would not be there: it stays."""
    return {name: value for name, value in environ.items() if _VARIABLE.fullmatch(name) and not Path(value).is_dir()}


def apt_settings(dump: str) -> str:
    """What of `apt-config dump` says how archives are reached, in apt's own form."""
    return "".join(f"{match[0]}\n" for match in _APT.finditer(dump))


def named_files(apt: str, variables: Mapping[str, str]) -> list[Path]:
    """The files that these settings name: they must be there under the same path."""
    named = [*_APT_FILE.findall(apt), *(value for value in variables.values() if value.startswith("/"))]
    return [path for path in map(Path, dict.fromkeys(named)) if path.is_file()]


def hand_in(root: Path, home: str) -> dict[str, str]:
    """Copy the settings into the machine below ``root``; its variables, for a user whose home is ``home``."""
    variables = {**_go(), **passed_on(os.environ)}
    apt = apt_settings(_output("apt-config", "dump", "Acquire"))
    (root / "etc/apt/apt.conf.d/90-as-outside").write_text(apt, encoding="utf-8")
    for path in [*map(Path, FILES), *named_files(apt, variables)]:
        _copy(path, root / path.relative_to("/"))
    for name in OF_HOME:
        _copy(Path.home() / name, root / home.lstrip("/") / name)
    return variables


def _go() -> dict[str, str]:
    """Go keeps its settings in a file, too: asked where there is one to ask."""
    names = ("GOPROXY", "GOSUMDB", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOINSECURE")
    values = _output("go", "env", *names).split("\n")
    return {name: value for name, value in zip(names, values, strict=False) if value}


def _output(*command: str) -> str:
    if not shutil.which(command[0]):
        return ""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    elif source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)  # it may be a link that leads out of the folder
        shutil.copy(source, target)
