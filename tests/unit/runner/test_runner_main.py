"""The runner as the pod starts it: a process with an environment, an exit code and a termination log."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from publishbuild.names import EXIT_DONE, EXIT_GIVE_UP, EXIT_RETRY
from publishbuild.runner.result import RunResult
from tests.support.waiting import until

CANARY = "canary-51d0e8"
DEADLINE_SECONDS = 30

# Lists nothing; then creating a build takes for ever.
FAKE_EAS = """#!/bin/sh
case "$1" in
  build:list) echo '[]' ;;
  build) echo "my token is $EXPO_TOKEN" >&2; touch "$FAKE_EAS_STARTED"; exec sleep 600 ;;
  *) echo "what is $1"; exit 2 ;;
esac
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    source = tmp_path / "origin"
    source.mkdir()
    who = ("-c", "user.name=t", "-c", "user.email=t@example.invalid")
    (source / "eas.json").write_text('{"build": {"production": {}}, "submit": {"production": {}}}')
    for command in (("init", "-q"), ("add", "eas.json"), ("commit", "-q", "-m", "one")):
        subprocess.run(("git", *who, *command), cwd=source, check=True)
    eas = tmp_path / "eas"
    eas.write_text(FAKE_EAS)
    eas.chmod(0o755)
    return {
        "PATH": os.environ["PATH"],
        "EAS_CLI": str(eas),
        "FAKE_EAS_STARTED": str(tmp_path / "started"),
        "EXPO_TOKEN": CANARY,
        "PUBLISHBUILD_UID": "uid",
        "PUBLISHBUILD_NAME": "n",
        "PUBLISHBUILD_NAMESPACE": "ns",
        "PUBLISHBUILD_PLATFORM": "android",
        "PUBLISHBUILD_SOURCE_URL": source.as_uri(),
        "PUBLISHBUILD_WORKDIR": str(tmp_path / "workspace"),
        "PUBLISHBUILD_TERMINATION_LOG": str(tmp_path / "termination-log"),
        "PUBLISHBUILD_POLL_SECONDS": "0.01",
    }


def report(environment: dict[str, str]) -> RunResult:
    read = RunResult.from_message(Path(environment["PUBLISHBUILD_TERMINATION_LOG"]).read_text())
    assert read is not None
    return read


def start(environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    command = (sys.executable, "-m", "publishbuild.runner", *arguments)
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def test_sigterm_ends_the_attempt_with_a_report_and_stops_its_children(environment: dict[str, str]) -> None:
    """Another attempt may follow (exit 1), the report says why, no secret is in it, and no child is left."""
    runner = start(environment)
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not Path(environment["FAKE_EAS_STARTED"]).exists():
        assert time.monotonic() < deadline
        assert runner.poll() is None
    runner.send_signal(signal.SIGTERM)
    output, _ = runner.communicate(timeout=DEADLINE_SECONDS)
    assert runner.returncode == EXIT_RETRY
    result = report(environment)
    assert result.failure is not None
    assert result.failure.reason == "Terminated"
    assert result.commit is not None
    assert CANARY not in output + Path(environment["PUBLISHBUILD_TERMINATION_LOG"]).read_text()
    assert "my token is ***" in output


def test_sigterm_of_a_cancelled_build_cancels_on_eas_and_asks_for_no_other_pod(environment: dict[str, str]) -> None:
    """Exit 64 with reason Cancelled and a sentence on what was done; the next pod would carry no mark."""
    runner = start({**environment, "PUBLISHBUILD_CANCEL_ON_TERM": "true"})
    until(Path(environment["FAKE_EAS_STARTED"]).exists, seconds=DEADLINE_SECONDS, what="the build is asked for")
    runner.send_signal(signal.SIGTERM)
    runner.communicate(timeout=DEADLINE_SECONDS)
    assert runner.returncode == EXIT_GIVE_UP
    result = report(environment)
    assert result.failure is not None
    assert result.failure.reason == "Cancelled"
    assert result.message == "there was nothing to cancel on EAS"


def test_an_unknown_argument_is_refused(environment: dict[str, str]) -> None:
    """A typing error must not start a build."""
    runner = start(environment, "cancle")
    runner.communicate(timeout=DEADLINE_SECONDS)
    assert runner.returncode == EXIT_GIVE_UP
    result = report(environment)
    assert result.failure is not None
    assert "cancle" in result.failure.message
    assert not Path(environment["FAKE_EAS_STARTED"]).exists()


def test_the_cancel_command_starts_nothing(environment: dict[str, str]) -> None:
    """It looks, finds nothing to cancel, and succeeds."""
    runner = start(environment, "cancel")
    runner.communicate(timeout=DEADLINE_SECONDS)
    assert runner.returncode == EXIT_DONE
    assert report(environment).message == "there was nothing to cancel on EAS"
    assert not Path(environment["FAKE_EAS_STARTED"]).exists()


def test_bad_settings_end_with_a_report_that_no_retry_helps(environment: dict[str, str]) -> None:
    """Even then the operator learns why, from the termination log."""
    runner = start({**environment, "PUBLISHBUILD_PLATFORM": "windows"})
    output, _ = runner.communicate(timeout=DEADLINE_SECONDS)
    assert runner.returncode == EXIT_GIVE_UP
    result = report(environment)
    assert result.failure is not None
    assert result.failure.reason == "InvalidSettings"
    assert "PUBLISHBUILD_PLATFORM" in result.failure.message
    assert all(json.loads(line)["event"] for line in output.splitlines())


def test_a_missing_program_is_named(environment: dict[str, str]) -> None:
    """An image without eas-cli says so; no retry helps."""
    runner = start({**environment, "EAS_CLI": "/no/such/eas"})
    runner.communicate(timeout=DEADLINE_SECONDS)
    assert runner.returncode == EXIT_GIVE_UP
    result = report(environment)
    assert result.failure is not None
    assert result.failure.reason == "ProgramMissing"


def test_a_termination_log_that_cannot_be_written_changes_no_exit_code(environment: dict[str, str]) -> None:
    """The report is lost, the outcome is not."""
    bad = {**environment, "PUBLISHBUILD_TERMINATION_LOG": "/no/such/folder/log", "PUBLISHBUILD_PROFILE": "--x"}
    runner = start(bad)
    runner.communicate(timeout=DEADLINE_SECONDS)
    assert runner.returncode == EXIT_GIVE_UP
