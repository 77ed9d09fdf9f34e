"""What holds for every test of every suite."""

from __future__ import annotations

import signal

import pytest

pytest_plugins = ("tests.support.open_connections",)


def pytest_configure() -> None:
    """Let programs that tests start be interrupted: a shell's background job ignores Ctrl-C, and hands that on."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell the order of this run, so that a failure that depends on it can be had again: ``-q`` leaves it out."""
    seed = config.getoption("randomly_seed", None)
    if seed is not None:
        terminalreporter.write_line(f"order: --randomly-seed={seed}")
