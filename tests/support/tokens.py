"""Tokens as the API server makes them for pods, but for the signature, which nothing here checks."""

from __future__ import annotations

import base64
import json
from typing import Any

from publishbuild.names import CALLBACK_AUDIENCE

EXPIRES = 4_000_000_000


def a_token(
    pod_uid: str, *, audience: Any = (CALLBACK_AUDIENCE,), expires: float = EXPIRES, signature: str = "c2ln"
) -> str:
    """A token that says it is bound to the pod of that uid; "" is a service account's own."""
    bound = {"pod": {"name": "app", "uid": pod_uid}} if pod_uid else {}
    claims = {"aud": audience, "exp": expires, "kubernetes.io": {"namespace": "shop", **bound}}
    return ".".join((_part({"alg": "RS256"}), _part(claims), signature))


def _part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
