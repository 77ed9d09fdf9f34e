"""The operator's two endpoints for pods, in a thread: answers what a test says, and keeps what it is told."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

TOKEN = "a-token"  # the test's own


class CallbackServer:
    """``reasons`` are the answers to `stop`, one a question, the last one for ever; None is a 503."""

    def __init__(self) -> None:
        self.reasons: list[str | None] = [""]
        self.refusals = 0
        self.reports: list[str] = []
        self.tokens: set[str] = set()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # http.server's name
                reason = owner.reasons.pop(0) if len(owner.reasons) > 1 else owner.reasons[0]
                self._answer(503 if reason is None else 200, reason or "")

            def do_POST(self) -> None:  # as above
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                if owner.refusals:
                    owner.refusals -= 1
                    self._answer(503, "")
                    return
                owner.tokens.add(self.headers["Authorization"])
                owner.reports.append(body)
                self._answer(204, "")

            def _answer(self, status: int, text: str) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                """Not into the test's output."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def environment(self) -> dict[str, str]:
        """What the operator would put into the pod's environment."""
        url = f"http://127.0.0.1:{self._server.server_address[1]}/v1/builds/uid"
        return {"PUBLISHBUILD_CALLBACK_URL": url, "PUBLISHBUILD_CALLBACK_TOKEN": TOKEN}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
