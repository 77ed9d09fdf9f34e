"""The program that a kubeconfig's user logs in by (``exec``), run as kubectl runs it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from publishbuild.cluster.api import ApiError

NO_CREDENTIALS = "NoCredentials"
_SAID_CHARACTERS = 500


@dataclass(frozen=True)
class LoginProgram:
    """``exec`` of ``user``; ``folder`` is the kubeconfig's, where a command that is a relative path begins."""

    spec: Mapping[str, Any]
    user: str
    folder: str

    @property
    def command(self) -> str:
        """What is run: a path in full, or a name that is looked up on PATH."""
        command = str(self.spec.get("command") or "")
        return str(Path(self.folder, command)) if os.sep in command else command

    async def run(self) -> dict[str, Any]:
        """``status`` of the ExecCredential that it prints, with ``token``, or a certificate and its key.

        Raises:
            ApiError: it cannot be run, failed, or printed something else; the text holds its own last words.
        """
        command = [self.command, *map(str, self.spec.get("args") or [])]
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(*command, env=self._environment(), stdout=pipe, stderr=pipe)
        except (OSError, ValueError) as error:
            hint = " ".join(str(self.spec.get("installHint") or "").split())[:_SAID_CHARACTERS]
            reason = error.strerror if isinstance(error, OSError) else error
            raise self._failed(f"cannot be run: {reason}{hint and f' ({hint})'}") from error
        try:
            printed, said = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        if process.returncode:
            words = " ".join(said.decode(errors="replace").split())[-_SAID_CHARACTERS:]
            raise self._failed(f"ended with {process.returncode}{words and f': {words}'}")
        return self._status(printed)

    def _status(self, printed: bytes) -> dict[str, Any]:
        """What it printed is never told: it may hold a token."""
        wanted = self.spec.get("apiVersion")
        try:
            credential = json.loads(printed)
        except ValueError as error:
            raise self._failed("printed no ExecCredential (JSON)") from error
        status = credential.get("status") if isinstance(credential, dict) else None
        if not isinstance(status, dict) or not (
            status.get("token") or (status.get("clientCertificateData") and status.get("clientKeyData"))
        ):
            raise self._failed("printed no ExecCredential with status.token, or a certificate with its key")
        if credential.get("apiVersion") != wanted:
            raise self._failed(f"printed apiVersion {str(credential.get('apiVersion'))[:100]}, not {wanted}")
        return status

    def _environment(self) -> dict[str, str]:
        wish = {
            "apiVersion": self.spec.get("apiVersion"),
            "kind": "ExecCredential",
            "spec": {"interactive": sys.stdin is not None and sys.stdin.isatty()},
        }
        own = {str(each["name"]): str(each["value"]) for each in self.spec.get("env") or []}
        return {**os.environ, **own, "KUBERNETES_EXEC_INFO": json.dumps(wish)}

    def _failed(self, what: str) -> ApiError:
        shown = self.command or "''"
        return ApiError(
            0, NO_CREDENTIALS, f"the kubeconfig's user {self.user} cannot log in: its program {shown} {what}"
        )
