"""``make flames``: flame graphs of the operator in a launch storm, in whole lifecycles and at a start with many builds.

Each is an SVG in ``.cluster/flames/``, to be opened in a browser. py-spy needs root, or ``kernel.yama.ptrace_scope=0``.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench import storm
from tests.bench.fresh import console, on_new_cluster
from tests.bench.restart import restart
from tests.support.cluster import ROOT
from tests.support.operator_process import OperatorProcess
from tests.support.rig import Rig

FOLDER = ROOT / ".cluster" / "flames"
_RATE = 200


class Profiled(Rig):
    """A rig whose operator is sampled from its start to its end."""

    _sampler: subprocess.Popen[bytes]

    def __init__(self, picture: Path) -> None:
        super().__init__("flame")
        self._picture = picture

    def operator(self, *, log: str = "operator", kubeconfig: Path | None = None, **settings: Any) -> OperatorProcess:
        """A ready operator; what it does goes into the picture."""
        made = self.started(log=log, kubeconfig=kubeconfig, **settings)
        spy = str(Path(sys.executable).with_name("py-spy"))
        record = [spy, "record", "--pid", str(made.pid), "--rate", str(_RATE), "--nonblocking"]
        self._sampler = subprocess.Popen(
            [*record, "--format", "flamegraph", "--output", str(self._picture), "--duration", "3600"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        return made.wait_ready(60)

    def stop_sampling(self) -> None:
        """Write what was sampled.

        Raises:
            RuntimeError: py-spy could not look into the operator.
        """
        self._sampler.send_signal(signal.SIGINT)
        _, said = self._sampler.communicate(timeout=60)
        if not self._picture.exists():
            raise RuntimeError(f"py-spy sampled nothing: {said.decode().strip()}")


def _launches(rig: Rig) -> None:
    storm.launches(rig, 500)


def _lifecycles(rig: Rig) -> None:
    storm.lifecycles(rig, 500)


def _restart(rig: Rig) -> None:
    restart(rig, ended=9000, waiting=1000)


PARTS: dict[str, Callable[[Rig], None]] = {"launches": _launches, "lifecycles": _lifecycles, "restart": _restart}


def main() -> int:
    """Profile and draw."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.flame", description=__doc__)
    parser.add_argument("--only", choices=tuple(PARTS), action="append", help="one of them; may be given again")
    for part in parser.parse_args().only or PARTS:
        FOLDER.mkdir(parents=True, exist_ok=True)
        picture = FOLDER / f"{part}.svg"
        picture.unlink(missing_ok=True)
        with on_new_cluster(partial(Profiled, picture)) as rig:
            PARTS[part](rig)
            rig.stop_sampling()
        console.print(f"{part}: {picture}", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
