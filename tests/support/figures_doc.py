"""Writes measured figures into a document, between the two comments that name them; the rest is left alone."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from tests.support.cluster import ROOT

RELIABILITY = ROOT / "docs" / "reliability.md"
PERFORMANCE = ROOT / "docs" / "performance.md"


def write_between(document: Path, name: str, text: str) -> None:
    """Replace what stands between ``<!-- name -->`` and ``<!-- /name -->``.

    Raises:
        ValueError: the document has no such comments.
    """
    before = document.read_text(encoding="utf-8")
    between = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)", re.DOTALL)
    if not between.search(before):
        raise ValueError(f"{document.name} has no <!-- {name} --> … <!-- /{name} -->")
    after = between.sub(lambda found: f"{found[1]}\n{text.strip()}\n\n{found[2]}", before)
    document.write_text(after, encoding="utf-8")


def machine() -> str:
    """Date and machine in a line, without its name: a figure means little without them."""
    cpu = next((line for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "")
    memory = next((line for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), ": 0 kB")
    redis = subprocess.run(["redis-server", "--version"], check=True, capture_output=True, text=True).stdout
    return (
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {os.cpu_count()} cores"
        f" ({cpu.partition(':')[2].strip() or platform.machine()}),"
        f" {int(memory.split()[1]) / 1024 / 1024:.0f} GiB, Linux, Python {platform.python_version()},"
        f" Redis {redis.partition('v=')[2].split()[0]}, with the API server, the Job controller, the pretended nodes"
        f" and the measuring program on the same machine; load average of the last 15 minutes {os.getloadavg()[2]:.1f}."
    )


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines() if Path(path).exists() else []
