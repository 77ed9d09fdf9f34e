"""The mark by which the operator tells an attempt that its build was cancelled, and not that its node is drained.

The operator annotates the pod; the kubelet writes the annotations into a file of the pod (downward API volume). A pod
that is stopped for another reason carries no mark, and what it has started on EAS goes on for the next attempt.
The kubelet may stop to refresh the file once the pod is being deleted, so the mark is acted upon as soon as it is
there, and looked for a little longer only after SIGTERM.
"""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from publishbuild.names import GROUP

if TYPE_CHECKING:
    from collections.abc import Mapping

ANNOTATION = f"{GROUP}/cancel"
CHECK_SECONDS = 0.5
# A drain waits this long too, for a mark that does not come.
WAIT_SECONDS = 10.0

_LINE = re.compile(rf'^{re.escape(ANNOTATION)}="true"$', re.MULTILINE)


@dataclass(frozen=True)
class CancelMark:
    """``file``: the pod's annotations as the kubelet writes them. ``on_term``: SIGTERM alone cancels."""

    file: Path | None
    on_term: bool

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> CancelMark:
        """From ``PUBLISHBUILD_PODINFO_DIR`` and, for running by hand, ``PUBLISHBUILD_CANCEL_ON_TERM=true``."""
        folder = environment.get("PUBLISHBUILD_PODINFO_DIR")
        on_term = environment.get("PUBLISHBUILD_CANCEL_ON_TERM", "").lower() == "true"
        return cls(Path(folder) / "annotations" if folder else None, on_term)

    def is_set(self) -> bool:
        """Whether the file carries the mark now."""
        if self.file is None:
            return False
        try:
            return bool(_LINE.search(self.file.read_text(errors="replace")))
        except OSError:
            return False

    def appears(self, seconds: float = WAIT_SECONDS) -> bool:
        """After SIGTERM: whether it was for a cancelled build. Waits for the mark up to ``seconds``."""
        deadline = time.monotonic() + seconds
        while not (self.on_term or self.is_set()):
            if self.file is None or not self.file.exists() or time.monotonic() >= deadline:
                return False
            time.sleep(CHECK_SECONDS)
        return True

    def watch(self) -> None:
        """From now on, the mark stops this process as SIGTERM does."""
        if self.file is not None:
            threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while not self.is_set():
            time.sleep(CHECK_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)
