"""The few words spoken with the API server while a cluster comes up, without kubectl."""

import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from hack.cluster.places import ClusterError, State
from hack.cluster.settings import Settings


class Api:
    """The API server of one cluster, asked with its admin token over its own certificate authority."""

    def __init__(self, state: State, settings: Settings) -> None:
        self._base = f"https://127.0.0.1:{settings.api_port}"
        self._token = (state / "conf" / "admin-token").read_text(encoding="utf-8")
        trust = ssl.create_default_context(cafile=str(state / "pki" / "ca.crt"))
        # A proxy from the environment must not see, nor break, what stays on this machine.
        self._open = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
        ).open

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, *, seconds: float = 5) -> str | None:
        """The answer's text; None where the server does not answer, or answers no."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._base}{path}", data, headers, method=method)  # noqa: S310 - always https
        try:
            with self._open(request, timeout=seconds) as answer:
                return str(answer.read().decode())
        except (OSError, urllib.error.URLError):
            return None

    def ready(self) -> bool:
        """Whether the API server would take requests now."""
        # One that waits for a store that is gone does not answer: that is asked again, and the store looked at between.
        return self.call("GET", "/readyz", seconds=2) == "ok"

    def default_account(self) -> bool:
        """Whether pods can be made in the default namespace: that waits for its service account."""
        return self.call("GET", "/api/v1/namespaces/default/serviceaccounts/default") is not None

    def node_ready(self, name: str) -> bool:
        """Whether a node says that pods may come."""
        node = self.call("GET", f"/api/v1/nodes/{name}")
        conditions = json.loads(node)["status"].get("conditions", []) if node else []
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def until(holds: Callable[[], bool], what: str, *, seconds: float = 60) -> None:
    """Wait until something holds; say what was waited for when it takes too long."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise ClusterError(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(0.05)
