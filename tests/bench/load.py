"""The Go program that creates and watches: the fastest client of the API server that is to be had here."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import yaml

from hack.cluster.go_builds import built

Object = dict[str, Any]
SECONDS = 600


class Load:
    """Creates and watches objects of a cluster; ``folder`` takes its certificate authority."""

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        authority = folder / "ca.crt"
        authority.write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
        self._command = [str(program()), "-server", cluster["server"], "-ca", str(authority)]
        self._environment = {**os.environ, "LOAD_TOKEN": user["token"]}

    def send(self, verb: str, path: str, bodies: Iterable[Object], *, suffix: str = "") -> float:
        """Send all, over 32 connections; the seconds that it took.

        With ``suffix`` each goes to the object of its name: ``/NAME`` and the suffix follow the path.
        """
        own = "/{name}" + suffix if suffix else ""
        lines = "".join(
            f"{verb}\t{path}{own.format(name=body['metadata']['name'])}\t{json.dumps(body)}\n" for body in bodies
        )
        done = subprocess.run(
            [*self._command, "send"],
            input=lines,
            text=True,
            stdout=subprocess.PIPE,
            env=self._environment,
            check=True,
            timeout=SECONDS,
        )
        seconds: float = json.loads(done.stdout)["seconds"]
        return seconds

    def watch(self, path: str, count: int, *conditions: str) -> Watching:
        """Watch until ``count`` objects are there, or until one of their ``conditions`` is decided."""
        command = [*self._command, "-path", path, "-count", str(count), "-until", ",".join(conditions), "watch"]
        return Watching(command, self._environment)


class Watching:
    """One watch, which has begun; use it in a ``with`` block."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        )
        assert self._process.stderr is not None
        assert self._process.stderr.readline() == "watching\n", self._process.stderr.read()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            self._process.kill()

    def seen(self) -> dict[str, float]:
        """The Unix time at which each object, by its name, was first seen so; waits until all are.

        Raises:
            AssertionError: the watch broke.
            subprocess.TimeoutExpired: it took too long.
        """
        said, errors = self._process.communicate(timeout=SECONDS)
        assert self._process.returncode == 0, errors
        times: dict[str, float] = json.loads(said)
        return times


def program() -> Path:
    """Where it is, built if it was not before."""
    return built("load", Path(__file__).parent / "go")
