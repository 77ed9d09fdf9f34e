"""What holds for every test of every suite."""

from __future__ import annotations

import os
import signal

import pytest

pytest_plugins = ("tests.support.open_connections",)


def pytest_configure() -> None:
    """Start tests without a hook's repository, and able to be interrupted: a background job ignores Ctrl-C."""
    # git sets these for its hooks, and a hook may run tests: their commits belong into their own folders. make sets its
    # own for what it starts, and a make that a test starts is none of its children.
    git = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY")
    for name in (*git, "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES"):
        os.environ.pop(name, None)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell the order of this run, so that a failure that depends on it can be had again: ``-q`` leaves it out."""
    seed = config.getoption("randomly_seed", None)
    if seed is not None:
        terminalreporter.write_line(f"order: --randomly-seed={seed}")
