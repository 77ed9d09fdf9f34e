"""Speaks with the operator while an attempt runs: tells how far it is, and asks what a SIGTERM is for.

Both are a convenience: an attempt that cannot reach the operator does its work all the same.
"""

from __future__ import annotations

import contextlib
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from publishbuild.names import VARIABLE_TOKEN, VARIABLE_TOKEN_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping

REQUEST_SECONDS = 3.0
# An operator that has just started has forgotten what it was told.
AGAIN_SECONDS = 60.0
# So long the operator is asked what a SIGTERM is for. A drain waits as long for the answer that there is no reason.
ASK_SECONDS = 10.0
# That there is none is believed after so long: what stopped the pod may reach the operator after the pod.
SURE_SECONDS = 4.0
PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0

# Nothing from the environment may send what is said elsewhere.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass
class Callback:
    """``url`` is the build's own at the operator, "" for none; ``on_term``: any SIGTERM ends the build for good.

    ``token_file`` holds what is shown to the operator, and is written anew now and then; without it that is ``token``.
    """

    url: str
    token: str
    on_term: bool
    token_file: str = ""
    _said: str = field(default="", init=False)
    _changed: threading.Event = field(default_factory=threading.Event, init=False)
    _teller: threading.Thread | None = field(default=None, init=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Callback:
        """From ``PUBLISHBUILD_CALLBACK_URL`` and ``_TOKEN_FILE``, or ``_TOKEN`` in a pod of an older operator's.

        For running by hand there is ``PUBLISHBUILD_CANCEL_ON_TERM``.
        """
        url = environment.get("PUBLISHBUILD_CALLBACK_URL", "")
        on_term = environment.get("PUBLISHBUILD_CANCEL_ON_TERM", "").lower() == "true"
        # urllib also opens files.
        known = url if url.startswith(("http://", "https://")) else ""
        return cls(known, environment.get(VARIABLE_TOKEN, ""), on_term, environment.get(VARIABLE_TOKEN_FILE, ""))

    def tell(self, report: str) -> None:
        """Tell the operator soon, beside the work; only the newest report counts."""
        if not self.url:
            return
        self._said = report
        self._changed.set()
        if self._teller is None:
            self._teller = threading.Thread(target=self._tell_for_ever, daemon=True)
            self._teller.start()

    def stop_reason(
        self, seconds: float = ASK_SECONDS, sure_after: float = SURE_SECONDS, pause: float = PAUSE_SECONDS
    ) -> str | None:
        """After SIGTERM: why the build's work is to end for good; None where a later attempt goes on with it.

        Asked for up to ``seconds`` where nobody answers. An answer without a reason is believed after ``sure_after``.
        """
        if self.on_term:
            return "PUBLISHBUILD_CANCEL_ON_TERM is set"
        started, none_since = time.monotonic(), None
        while self.url and time.monotonic() - started < seconds:
            reason = self._ask()
            if reason:
                return reason
            now = time.monotonic()
            none_since = none_since or now if reason == "" else None
            if none_since is not None and now - none_since >= sure_after:
                return None
            time.sleep(pause)
        return None

    def _ask(self) -> str | None:
        """The operator's answer, "" for no reason; None where it gave none."""
        status, text = self._request("GET", f"{self.url}/stop")
        return text.strip() if status == HTTPStatus.OK else None

    def _tell_for_ever(self) -> None:
        pause = PAUSE_SECONDS
        while True:
            self._changed.wait(AGAIN_SECONDS)
            self._changed.clear()
            status, _ = self._request("POST", self.url, self._said.encode())
            if status in (HTTPStatus.NO_CONTENT, HTTPStatus.FORBIDDEN, HTTPStatus.BAD_REQUEST):
                pause = PAUSE_SECONDS
                continue
            # A standby was asked, or nobody is there yet: a Service leads elsewhere the next time.
            self._changed.set()
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            time.sleep(pause)

    def _shown(self) -> str:
        with contextlib.suppress(OSError, ValueError):
            return Path(self.token_file).read_text().strip() if self.token_file else self.token
        return ""

    def _request(self, method: str, url: str, body: bytes | None = None) -> tuple[int, str]:
        """Status and text of the answer; 0 where there is none."""
        headers = {"Authorization": f"Bearer {self._shown()}", "Content-Type": "application/json"}
        request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310  # http or https: see above
        with contextlib.suppress(OSError, ValueError):
            try:
                with _direct.open(request, timeout=REQUEST_SECONDS) as answer:
                    return answer.status, answer.read(4096).decode(errors="replace")
            except urllib.request.HTTPError as refused:
                with refused:
                    return refused.code, ""
        return 0, ""
