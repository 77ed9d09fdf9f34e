"""What this host needs to reach its package registries, handed to a build as read-only mounts.

A company's certificate authority, mirror or password belongs to the machine, not to the image: what a mounted file
says never gets into a layer or its history, while build arguments do.
"""

import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

CONTAINER_HOME = "/root"  # of the user who builds inside the container
CONTAINER_CA = "/etc/ssl/certs/ca-certificates.crt"
_CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_PIP_KEYS = ("index-url", "extra-index-url", "trusted-host", "timeout", "default-timeout", "proxy")


def ca_bundle(environ: Mapping[str, str]) -> Path | None:
    """Return this host's bundle of trusted authorities: what its programs are told to use, else Debian's."""
    candidates = [Path(environ[name]) for name in _CA_VARIABLES if environ.get(name)]
    return next((path for path in [*candidates, Path(CONTAINER_CA)] if path.is_file()), None)


def pip_conf(listing: str, with_ca: bool) -> str:
    """Turn the output of `pip config list`, which knows files and PIP_* variables alike, into a pip.conf.

    Only what says how to reach a registry is taken over; a path of this host would mean nothing in there.
    """
    lines = ["[global]"]
    for line in listing.splitlines():
        key, _, value = line.partition("=")
        name = key.rpartition(".")[2]
        if name in _PIP_KEYS and key.split(".")[0] in ("global", ":env:", "install"):
            lines.append(f"{name} = {value.strip().strip(chr(39))}".replace("\\n", "\n "))
    if with_ca:
        lines.append(f"cert = {CONTAINER_CA}")
    return "\n".join(lines) + "\n"


def npmrc(registry: str | None, with_ca: bool) -> str:
    """Return an .npmrc that asks the same registry as this host's npm, and trusts the same authorities."""
    lines = [f"registry={registry}"] if registry else []
    return "".join(f"{line}\n" for line in [*lines, *([f"cafile={CONTAINER_CA}"] if with_ca else [])])


def write_mounts(folder: Path, environ: Mapping[str, str]) -> list[str]:
    """Write the files into `folder`, for the owner's eyes alone; return buildah's `--volume` options for them."""
    ca = ca_bundle(environ)
    texts = {
        "/etc/pip.conf": pip_conf(_output(sys.executable, "-m", "pip", "config", "list"), ca is not None),
        f"{CONTAINER_HOME}/.npmrc": npmrc(_output("npm", "config", "get", "registry").strip() or None, ca is not None),
    }
    mounts = [(ca, CONTAINER_CA)] if ca else []
    for inside, text in texts.items():
        file = folder / Path(inside).name
        file.touch(mode=0o600)
        file.write_text(text, "utf-8")
        mounts.append((file, inside))
    return list(_volumes(mounts))


def _volumes(mounts: Iterable[tuple[Path, str]]) -> Iterable[str]:
    for outside, inside in mounts:
        yield from ("--volume", f"{outside.resolve()}:{inside}:ro")


def _output(*command: str) -> str:
    """Return what a program prints, nothing if it is not installed: no npm means npm's defaults."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
