"""Lends a cluster to one command: up before it if none was, and down after it, however the command ends.

Several commands may use one cluster at once. The last of them takes it down, and only if a loan had started it:
a cluster that a person brought up stays up.
"""

import fcntl
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from hack.cluster.forwarding import Command, Interrupted, SignalForwarder
from hack.cluster.locks import opened, take
from hack.cluster.places import State, cache
from hack.cluster.progress import note

INSIDE = "PUBLISHBUILD_CLUSTER_LENT"
"""Set for what runs in a loan, to the loan's own name, and inherited by every process of a cluster started there.

A test that starts the loan's cluster again does not make it a person's own.
"""


@dataclass(frozen=True)
class Lender:
    """How the cluster of a state folder is started, ended and looked at; tests hand in others."""

    state: State
    up: Callable[[], None]
    down: Callable[[], None]
    is_up: Callable[[], bool]
    end_others: Callable[[str], None]
    """Ends other clusters whose processes have this (NAME=value) in their environment."""
    removal: str
    """The command that ends the cluster."""


def lend(lender: Lender, command: Command, *, keep: bool) -> int:
    """Run a command while the cluster is up; its exit code, 128 and the signal's number if a signal ended it.

    SIGINT, SIGTERM and SIGHUP reach the command; the cluster is taken down after it has ended. With ``keep`` the
    cluster stays. Other clusters that the command started and did not end, as it was killed, are taken down too.

    Raises:
        ClusterError: the cluster could not be brought up, or not be taken down.
    """
    name = uuid.uuid4().hex
    with SignalForwarder() as forwarder, opened(_register(lender.state)) as register:
        try:
            with _shared(register):
                if not lender.is_up():
                    _mark(register)
                lender.up()
                return forwarder.run(replace(command, environment={**command.environment, INSIDE: name}))
        except Interrupted as interrupted:
            return 128 + interrupted.number
        finally:
            forwarder.ignore_signals()
            lender.end_others(f"{INSIDE}={name}")
            _give_back(lender, register, keep=keep)


def forget_loan(state: State) -> None:
    """A person brought this cluster up, or took it down: no loan ends it any more."""
    if INSIDE not in os.environ:
        with suppress(FileNotFoundError):
            os.truncate(_register(state), 0)


def _give_back(lender: Lender, register: IO[str], *, keep: bool) -> None:
    with _alone(register) as alone:
        if not _marked(register):
            return
        if keep:
            register.truncate(0)
            _say(f"left up, as asked: {lender.state.root}; remove it with {lender.removal}")
        elif alone:
            lender.down()
            register.truncate(0)
        else:
            _say(f"left up: another command uses {lender.state.root}, and takes it down when it ends")


def _register(state: State) -> Path:
    """A file that each loan of this cluster has locked; it has content if a loan started the cluster."""
    folder = cache() / "locks"
    folder.mkdir(exist_ok=True)
    return folder / f"loan-{state.key}"


def _mark(register: IO[str]) -> None:
    register.truncate(0)
    register.write("started by a loan\n")
    register.flush()


def _marked(register: IO[str]) -> bool:
    return os.fstat(register.fileno()).st_size > 0


@contextmanager
def _shared(register: IO[str]) -> Iterator[None]:
    """Use the cluster beside others; whoever takes it down just now is waited for."""
    take(register, "the cluster's last user to take it down", _say, how=fcntl.LOCK_SH)
    try:
        yield
    finally:
        fcntl.flock(register, fcntl.LOCK_UN)


@contextmanager
def _alone(register: IO[str]) -> Iterator[bool]:
    """Yields whether nobody else uses the cluster, and keeps others out meanwhile."""
    try:
        fcntl.flock(register, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
        return
    try:
        yield True
    finally:
        fcntl.flock(register, fcntl.LOCK_UN)


def _say(text: str) -> None:
    with suppress(OSError):  # the terminal may be gone, and what comes after this must be done all the same
        note(text)
