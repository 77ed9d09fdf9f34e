"""A cluster that a command started is gone after it; one that was there before stays."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from hack.cluster.loan import forget_loan
from hack.cluster.places import State
from tests.support.waiting import until

ROOT = Path(__file__).resolve().parents[3]
LENDER = Path(__file__).with_name("lend_a_pretended_cluster.py")
WAITS = "import signal, sys; signal.signal(signal.{0}, lambda *_: sys.exit(9)); tell('begins'); signal.pause()"


class Loans:
    """Runs commands on a pretended cluster: a file ``up`` says that it is up, ``story`` what was done to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[str]] = []

    def start(
        self, command: str, *options: str, before: tuple[str, ...] = (), terminal: int | None = None
    ) -> subprocess.Popen[str]:
        """Lend the cluster to a Python program, which may call ``tell`` to add a word to the story."""
        told = f"def tell(word): open({str(self.folder / 'story')!r}, 'a').write(word + chr(10))\n{command}"
        argv = [*before, sys.executable, str(LENDER), str(self.folder), *options, "--", sys.executable, "-c", told]
        said = subprocess.PIPE if terminal is None else terminal
        made = subprocess.Popen(
            argv, cwd=ROOT, start_new_session=True, text=True, stdin=terminal, stdout=terminal, stderr=said
        )
        self.started.append(made)
        return made

    def run(self, command: str, *options: str) -> tuple[int, str]:
        """The exit code and what was said."""
        made = self.start(command, *options)
        said = made.communicate(timeout=60)[1]
        return made.returncode, said

    def story(self) -> list[str]:
        """What happened so far."""
        file = self.folder / "story"
        return file.read_text().split() if file.exists() else []

    def until_told(self, word: str) -> None:
        until(lambda: word in self.story(), seconds=30, what=word)


@pytest.fixture
def loans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loans]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = Loans(tmp_path)
    # Below nohup it is ignored, and what is started inherits that.
    hang_up = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield made
    signal.signal(signal.SIGHUP, hang_up)
    for process in made.started:
        # A lender that was killed leaves its command behind, in the same group.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stderr:
            process.stderr.close()


@pytest.mark.parametrize(
    ("command", "code"),
    [("tell('runs')", 0), ("tell('runs'); exit(7)", 7), ("import os; tell('runs'); os.kill(os.getpid(), 9)", 137)],
)
def test_a_cluster_that_was_not_up_is_up_for_the_command_alone(loans: Loans, command: str, code: int) -> None:
    """However the command ends, its cluster is taken down after it, and its exit code is kept."""
    assert loans.run(command)[0] == code
    assert loans.story() == ["up", "runs", "down"]


def test_a_cluster_that_was_up_stays_up(loans: Loans) -> None:
    """What a person brought up is there after the command."""
    (loans.folder / "up").touch()
    assert loans.run("tell('runs')") == (0, "")
    assert loans.story() == ["up", "runs"], "up is asked for again, so that what crashed is started"


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_reaches_the_command_and_the_cluster_goes_after_it(loans: Loans, name: str) -> None:
    """The command ends in its own way, and only then its cluster."""
    loan = loans.start(WAITS.format(name))
    loans.until_told("begins")
    loan.send_signal(getattr(signal, name))
    assert loan.wait(30) == 9
    assert loans.story() == ["up", "begins", "down"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_while_the_cluster_comes_up_takes_it_down(loans: Loans, number: signal.Signals) -> None:
    """Half a cluster is not left behind, and the command never begins."""
    loan = loans.start("tell('runs')", "--slow-up")
    loans.until_told("up")
    loan.send_signal(number)
    assert loan.wait(30) == 128 + number
    assert loans.story() == ["up", "down"]


def test_a_second_interrupt_does_not_stop_the_clearing(loans: Loans) -> None:
    """Whoever loses patience leaves no cluster behind."""
    loan = loans.start("tell('runs')", "--slow-down")
    loans.until_told("clearing")
    loan.send_signal(signal.SIGINT)
    (loans.folder / "go on").touch()
    assert loan.wait(30) == 0
    assert loans.story() == ["up", "runs", "clearing", "down"]


def test_what_cannot_come_up_or_run_leaves_nothing(loans: Loans) -> None:
    """Where the cluster fails to come up, what there is of it is taken down."""
    code, said = loans.run("tell('runs')", "--fail-up")
    assert (code, loans.story()) == (1, ["up", "down"])
    assert "no luck" in said


def test_keep_leaves_it_and_says_how_to_remove_it(loans: Loans) -> None:
    """With --keep the cluster stays, and no later command takes it down."""
    code, said = loans.run("tell('runs')", "--keep")
    assert code == 0
    assert "the-removal" in said
    assert loans.run("tell('again')")[0] == 0
    assert loans.story() == ["up", "runs", "up", "again"]


def test_the_last_of_two_commands_takes_it_down(loans: Loans) -> None:
    """One that ends first leaves the cluster to the other, although it had started it."""
    first, second = (loans.start(WAITS.format("SIGTERM").replace("begins", word)) for word in ("one", "two"))
    for word in ("one", "two"):
        loans.until_told(word)
    first.terminate()
    assert first.wait(30) == 9
    assert "down" not in loans.story()
    second.terminate()
    assert second.wait(30) == 9
    assert loans.story().count("down") == 1


def test_what_a_killed_loan_left_goes_with_the_next(loans: Loans) -> None:
    """A loan that could not clear up is made up for by the next command."""
    killed = loans.start("tell('begins')\nimport time\nwhile True: time.sleep(1)")
    loans.until_told("begins")
    killed.kill()
    killed.wait()
    assert loans.run("tell('runs')")[0] == 0
    assert loans.story() == ["up", "begins", "up", "runs", "down"]


def test_a_cluster_that_a_person_brought_up_meanwhile_stays(loans: Loans) -> None:
    """`up` by hand makes the cluster of a running loan one's own."""
    loan = loans.start(WAITS.format("SIGTERM"))
    loans.until_told("begins")
    forget_loan(State(loans.folder))
    loan.terminate()
    assert loan.wait(30) == 9
    assert "down" not in loans.story()


COUNTS_INTERRUPTS = """
import pathlib, signal, sys, time
seen = []
def end(*_):
    tell("ending")
    while not pathlib.Path({go_on!r}).exists():
        time.sleep(0.01)
    sys.exit(40 + len(seen))
signal.signal(signal.SIGINT, lambda *_: (seen.append(1), tell("interrupted")))
signal.signal(signal.SIGTERM, end)
tell("begins")
while True:
    signal.pause()
"""
ON_ITS_OWN_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)


def test_ctrl_c_reaches_the_command_once(loans: Loans) -> None:
    """The terminal has told the command already: told twice, it would stop clearing up after itself."""
    ours, theirs = pty.openpty()
    command = COUNTS_INTERRUPTS.format(go_on=str(loans.folder / "go on"))
    loan = loans.start(command, before=(sys.executable, "-c", ON_ITS_OWN_TERMINAL), terminal=theirs)
    os.close(theirs)
    loans.until_told("begins")
    os.write(ours, b"\x03")
    loans.until_told("interrupted")

    def ends() -> bool:
        loan.terminate()  # again and again: one that comes right after the interrupt counts as the same
        return "ending" in loans.story()

    until(ends, seconds=30, what="SIGTERM reaches the command")
    (loans.folder / "go on").touch()
    assert loan.wait(30) == 41
    os.close(ours)
    assert loans.story() == ["up", "begins", "interrupted", "ending", "down"]
