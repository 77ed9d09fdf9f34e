"""Checks ``eas.json`` before anything is paid for: a submission that must fail is found before its build is made.

Only what is certain to fail is refused. A file that is not plain JSON (comments) is left to ``eas-cli`` to judge.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from publishbuild.runner.failures import AttemptFailed, FailureClass

if TYPE_CHECKING:
    from pathlib import Path

    from publishbuild.runner.settings import RunnerSettings

LONGEST_CHAIN = 5  # eas-cli's own limit for "extends"


def check_profiles(app: Path, settings: RunnerSettings) -> None:
    """Look for the build profile, and for the submit profile with what it needs without a terminal.

    Raises:
        AttemptFailed: not worth a retry, with the name of what is missing.
    """
    try:
        content = json.loads((app / "eas.json").read_text())
    except FileNotFoundError:
        raise _refuse(f"there is no eas.json in {settings.source_path!r}") from None
    except (OSError, ValueError):
        return
    if not isinstance(content, dict):
        return
    if settings.profile not in _section(content, "build"):
        raise _refuse(f"eas.json has no build profile {settings.profile!r}, {_known(content, 'build')}")
    if not settings.submit:
        return
    wanted = settings.effective_submit_profile
    if wanted not in _section(content, "submit"):
        hint = "add it, name another one in submit.profile, or set submit.enabled: false"
        raise _refuse(f"eas.json has no submit profile {wanted!r}, {_known(content, 'submit')}: {hint}")
    if "ios" in settings.platforms and not _has(content, wanted, "ios", "ascAppId"):
        message = (
            f"submit profile {wanted!r} in eas.json has no ios.ascAppId, which a submission without a terminal needs"
        )
        raise AttemptFailed(FailureClass("SubmitProfileIncomplete", message, retryable=False))


def _has(content: dict[str, Any], profile: str, platform: str, key: str) -> bool:
    """Whether the submit profile or one that it extends sets the key (a chain too long is eas-cli's to refuse)."""
    for _ in range(LONGEST_CHAIN):
        found = _section(content, "submit").get(profile)
        if not isinstance(found, dict):
            return True
        if _section(found, platform).get(key):
            return True
        if "extends" not in found:
            return False
        profile = str(found["extends"])
    return True


def _section(content: dict[str, Any], name: str) -> dict[str, Any]:
    section = content.get(name)
    return section if isinstance(section, dict) else {}


def _known(content: dict[str, Any], kind: str) -> str:
    names = ", ".join(sorted(_section(content, kind)))
    return f"only {names}" if names else "none at all"


def _refuse(message: str) -> AttemptFailed:
    return AttemptFailed(FailureClass("InvalidConfiguration", message, retryable=False))
