"""The stand-in EAS of the end-to-end tests, steered and asked through the API server."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hack.demo.kubectl import Kubectl


@dataclass(frozen=True)
class Eas:
    """The stand-in in the cluster; `tests/standins/README.md` says what it takes."""

    kubectl: Kubectl

    def get(self, what: str) -> Any:
        return json.loads(self.kubectl("get", "--raw", self._path(what)))

    def post(self, what: str, body: dict[str, Any]) -> None:
        self.kubectl("create", "--raw", self._path(what), "-f", "-", stdin=json.dumps(body))

    def _path(self, what: str) -> str:
        return f"/api/v1/namespaces/{self.kubectl.namespace}/services/standins:3000/proxy/standin/{what}"
