"""A build's state in one line."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]


def state_line(build: Object) -> str:
    """``app Queued: GlobalLimit, position 3`` or ``app Failed: BackoffLimitExceeded: 4 attempts failed``."""
    status = build.get("status") or {}
    succeeded: Object = next((c for c in status.get("conditions") or () if c["type"] == "Succeeded"), {})
    phase, reason, message = status.get("phase") or "Created", succeeded.get("reason"), succeeded.get("message")
    position = (status.get("queue") or {}).get("position")
    words = [word for word in (reason if reason != phase else "", message) if word]
    said = ": ".join([f"{build['metadata']['name']} {phase}", *words])
    return " ".join(said.split()) + (f", position {position}" if position else "")
