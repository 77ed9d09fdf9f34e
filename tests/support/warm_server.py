"""Forks ``publishbuild`` from a process that has imported it all: ``python -m tests.support.warm_server SOCKET``.

Nine tenths of what a start of the operator costs are imports. Each request, a packet of JSON with the files that the
program gets, is answered by the process id on a socket of its own, and by the exit code once the program has ended.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import pkgutil
import runpy
import signal
import socket
import sys
import threading
from typing import TextIO, TypedDict

import publishbuild

PACKET_BYTES = 2**20


class Request(TypedDict):
    """What to run: arguments after the program's name, the whole environment, the folder to stand in."""

    arguments: list[str]
    environment: dict[str, str]
    folder: str


def import_all() -> None:
    """Import every module of the package, but those that are run."""
    for module in pkgutil.walk_packages(publishbuild.__path__, "publishbuild."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    assert threading.active_count() == 1, "a process with threads cannot be forked"


def serve(control: socket.socket) -> Request | None:
    """Fork a program for each request; returns it in the program's process, and None where no more will come."""
    while True:
        packet, files, *_ = socket.recv_fds(control, PACKET_BYTES, 4)
        if not packet:
            return None
        if os.fork() == 0:
            control.close()
            return _minded(json.loads(packet), files)
        for file in files:
            os.close(file)


def _minded(request: Request, files: list[int]) -> Request:
    """Become two: the program, and a process that tells how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    *streams, told = files
    pid = os.fork()
    if pid:
        for stream in streams:
            os.close(stream)
        os.write(told, str(pid).encode())
        _, status = os.waitpid(pid, 0)
        os.write(told, str(os.waitstatus_to_exitcode(status)).encode())
        os._exit(0)
    os.close(told)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.argv = ["publishbuild", *request["arguments"]]
    sys.stdin = open(0, closefd=False, encoding="utf-8")  # noqa: SIM115  # for the program's whole life
    sys.stdout, sys.stderr = _writer(1, "strict"), _writer(2, "backslashreplace")
    return request


def _writer(number: int, errors: str) -> TextIO:
    """As Python makes it with PYTHONUNBUFFERED: nothing is lost where the program is killed."""
    raw = io.FileIO(number, "w", closefd=False)
    return io.TextIOWrapper(raw, encoding="utf-8", errors=errors, write_through=True)


def main() -> None:
    """Serve until the other end is closed. A program that was forked ends as any Python program does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for pytest, which ends this
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that tell how programs end
    control = socket.socket(fileno=int(sys.argv[1]))
    import_all()
    if serve(control):
        runpy.run_module("publishbuild.cli", run_name="__main__")


if __name__ == "__main__":
    main()
