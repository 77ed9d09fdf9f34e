"""What a pod's token says of itself. Anybody can write that: it only tells which question the API server is worth."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

from publishbuild.names import CALLBACK_AUDIENCE

# The API server's own have about 1,200 characters.
LONGEST_TOKEN = 8_192
_PARTS = 3


@dataclass(frozen=True, slots=True)
class Claims:
    """The uid of the pod that the token is said to be bound to, and when it ends, in seconds since 1970."""

    pod_uid: str
    expires: float


def claims_of(token: str) -> Claims | None:
    """The claims of a JSON Web Token for this operator that is bound to a pod; None of any other text."""
    parts = token.split(".", _PARTS)
    if len(token) > LONGEST_TOKEN or len(parts) != _PARTS:
        return None
    try:
        body = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)), parse_int=float)
        audience, pod, expires = body["aud"], body["kubernetes.io"]["pod"]["uid"], body["exp"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if CALLBACK_AUDIENCE not in (audience if isinstance(audience, list) else (audience,)):
        return None
    return Claims(pod, expires) if isinstance(pod, str) and isinstance(expires, float) else None
