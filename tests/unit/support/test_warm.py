"""A program that is forked does what one from the command line does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.operator_process import OperatorProcess
from tests.support.warm import WarmServer


@pytest.fixture(scope="module")
def warm() -> Iterator[WarmServer]:
    with WarmServer() as server:
        yield server


@pytest.mark.parametrize("arguments", [("list",), ("submit", "-f", "-")])
def test_it_ends_and_prints_as_from_the_command_line(
    warm: WarmServer, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """Exit code and both streams are the same, with an environment, a folder and a standard input of its own."""
    environment = os.environ | {"KUBECONFIG": str(tmp_path / "none"), "PYTHONUNBUFFERED": "1"}
    text = "kind: [\u2713"
    cold = subprocess.run(
        [sys.executable, "-m", "publishbuild.cli", *arguments],
        input=text, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", timeout=240, check=False,
    )  # fmt: skip
    forked = warm.run(*arguments, environment=environment, folder=tmp_path, stdin=text, seconds=240)
    assert (forked.returncode, forked.stdout, forked.stderr) == (cold.returncode, cold.stdout, cold.stderr)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_it_is_a_process_of_its_own(warm: WarmServer, tmp_path: Path, how: signal.Signals) -> None:
    """It can be killed, also while it is stopped, and its exit code says so; the next one starts all the same."""
    kubeconfig = tmp_path / "fifo"
    os.mkfifo(kubeconfig)  # whoever reads it waits
    operator = OperatorProcess(
        tmp_path / "log", warm, kubeconfig=kubeconfig, redis_url="redis://127.0.0.1:1/0", namespace="n"
    )
    operator.signal(how)
    operator.stop()
    assert operator.wait_ended(1) == -signal.SIGKILL
    assert not Path(f"/proc/{operator.pid}").exists()
