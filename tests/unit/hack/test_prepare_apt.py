"""Waiting for apt's locks."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from hack.prepare import apt
from hack.prepare.apt import AptError, holder, wait_for_locks
from tests.support.waiting import until

ROOT = Path(__file__).resolve().parents[3]
HOLD = """
import fcntl, sys
file = open(sys.argv[1], "w")
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held(lock: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds ``lock`` as apt does, until its standard input ends."""
    command = [sys.executable, "-c", HOLD, str(lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    made = tmp_path / "lock-frontend"
    made.touch()
    return made


def test_a_free_lock_has_no_holder(lock: Path) -> None:
    """Nobody is waited for where nobody holds the lock, nor where there is no such file."""
    assert holder(lock) is None
    assert holder(lock.with_name("none")) is None


def test_the_holder_is_known_by_its_pid(lock: Path) -> None:
    """A person is told which process holds apt's lock."""
    with held(lock) as process:
        assert holder(lock) == process.pid


def test_a_held_lock_is_waited_for_and_named(lock: Path) -> None:
    """apt in other hands is waited for, with one line that says whose, and then things go on."""
    said: list[str] = []

    with held(lock) as process:

        def say(line: str) -> None:
            said.append(line)
            assert process.stdin
            process.stdin.close()

        wait_for_locks(say, [lock])
    assert len(said) == 1
    assert f"pid {process.pid}" in said[0]


def test_a_lock_that_is_never_released_ends_the_wait(lock: Path) -> None:
    """Waiting ends with the lock and its holder named."""
    with held(lock), pytest.raises(AptError, match="lock-frontend was held by"):
        wait_for_locks(lambda _: None, [lock], seconds=0)


INSTALLS = """
import sys
from pathlib import Path
from hack.prepare import __main__ as program, apt
apt.POLICY, apt.INSTALL, apt.UPDATE = Path(sys.argv.pop()), ("sleep", "600"), ("true",)
apt.os.geteuid, apt.shutil.which = lambda: 0, lambda _: "apt-get"
program.look = lambda *_: type("Missing", (), {"obstacles": (), "packages": ("60",)})
sys.exit(program.main())
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_installation_lets_services_start_again(tmp_path: Path, number: int) -> None:
    """Whatever ends the preparation, Debian's policy on starting services is as it was before."""
    policy = tmp_path / "policy-rc.d"
    command = [sys.executable, "-c", INSTALLS, "check", str(policy)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) as process:
        until(policy.exists, seconds=30, what="the policy stands")
        process.send_signal(number)
        assert process.wait(30) == 128 + number
    assert not policy.exists()


def test_what_a_killed_run_left_is_taken_away(tmp_path: Path, mocker: MockerFixture) -> None:
    """A policy that an earlier run could not remove goes with the next; a machine's own stays."""
    policy = tmp_path / "policy-rc.d"
    mocker.patch.object(apt, "POLICY", policy)
    with apt._no_services():
        left = policy.read_text()
    policy.write_text(left)
    with apt._no_services():
        assert policy.exists()
    assert not policy.exists()
    policy.write_text("#!/bin/sh\nexit 0\n")
    with apt._no_services():
        pass
    assert policy.read_text() == "#!/bin/sh\nexit 0\n"
