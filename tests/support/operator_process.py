"""The real operator as a process of its own, as a pod would run it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.support.ports import free_port
from tests.support.waiting import PATIENCE, until
from tests.support.warm import WarmProcess, WarmServer


class OperatorProcess:
    """One ``publishbuild operator``: started from the command line, or by ``warm``, which has it imported."""

    def __init__(
        self,
        log: Path,
        warm: WarmServer | None = None,
        /,
        *,
        kubeconfig: Path,
        redis_url: str,
        namespace: str,
        **settings: str,
    ) -> None:
        self.port, self.callback_port = free_port(), free_port()
        self._log = log
        environment = {
            **os.environ,
            "KUBECONFIG": str(kubeconfig),
            "REDIS_URL": redis_url,
            "PUBLISHBUILD_WATCH_NAMESPACES": namespace,
            "PUBLISHBUILD_HTTP_PORT": str(self.port),
            "PUBLISHBUILD_CALLBACK_PORT": str(self.callback_port),
            "PUBLISHBUILD_CALLBACK_URL": f"http://127.0.0.1:{self.callback_port}",
            "PUBLISHBUILD_RUNNER_IMAGE": "publishbuild-runner:pretended",
            **settings,
        }
        with log.open("ab") as out:
            self._process = _started(environment, out.fileno(), warm)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def wait_ready(self, seconds: float = 30) -> OperatorProcess:
        until(lambda: self.get("/readyz")[0] == 200, seconds=seconds, what=f"operator ready; its log: {self.tail()}")
        return self

    def get(self, path: str, *, port: int | None = None) -> tuple[int, str]:
        """Status and body of the operator's HTTP endpoint, on its main port or another; 0 where nobody listens."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port or self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def call(self, uid: str, token: str, report: str | None = None) -> tuple[int, str]:
        """Status and text of what a build's pod is answered: to its ``report``, else to whether it is stopped."""
        url = f"http://127.0.0.1:{self.callback_port}/v1/builds/{uid}" + ("" if report else "/stop")
        headers = {"Authorization": f"Bearer {token}"}
        request = urllib.request.Request(url, report.encode() if report else None, headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  # http
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def metric(self, line_start: str) -> float:
        """The value of the first metric line that starts so, or 0."""
        lines = [line for line in self.get("/metrics")[1].splitlines() if line.startswith(line_start)]
        return float(lines[0].rpartition(" ")[2]) if lines else 0.0

    def queue(self) -> dict[str, Any] | None:
        """The JSON of ``/v1/queue``, None where the operator does not know it (yet)."""
        status, text = self.get("/v1/queue")
        found: dict[str, Any] | None = json.loads(text) if status == 200 else None
        return found

    def logs(self) -> list[dict[str, Any]]:
        """The JSON lines so far, of all processes that wrote to this log."""
        lines = self._log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def events_logged(self, text: str) -> int:
        """How many log lines say ``text``."""
        return sum(1 for line in self.logs() if text in line.get("event", ""))

    def tail(self) -> str:
        return self._log.read_text()[-2000:] if self._log.exists() else ""

    def is_running(self) -> bool:
        return self._process.poll() is None

    def signal(self, number: int) -> None:
        """Send a signal and wait for nothing."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """``kill -9``."""
        self._process.kill()
        self._process.wait(10)

    def terminate(self, seconds: float = 15) -> int:
        """SIGTERM; the exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(seconds * PATIENCE)

    def freeze(self) -> None:
        """SIGSTOP: the process is there and does nothing, as on a node that hangs."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: it goes on where it was, and has missed all that happened."""
        self._process.send_signal(signal.SIGCONT)

    def wait_ended(self, seconds: float) -> int:
        """The exit code, once it has ended by itself."""
        return self._process.wait(seconds * PATIENCE)

    def stop(self) -> None:
        """End it whatever state it is in."""
        if self.is_running():
            self.kill()


def _started(environment: dict[str, str], out: int, warm: WarmServer | None) -> subprocess.Popen[bytes] | WarmProcess:
    if warm:
        streams = {"stdin": out, "stdout": out, "stderr": out}
        return warm.start("operator", environment=environment, folder=Path.cwd(), **streams)
    command = [sys.executable, "-m", "publishbuild.cli", "operator"]
    return subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)
