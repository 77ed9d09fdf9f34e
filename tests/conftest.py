"""What holds for every test of every suite."""

from __future__ import annotations

pytest_plugins = ("tests.support.open_connections",)
