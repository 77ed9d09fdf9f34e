"""Asks the API server whose token it is that a pod shows."""

from __future__ import annotations

from dataclasses import dataclass

from publishbuild import names
from publishbuild.cluster.api import Api, Object

# A runner waits 3 s for its answer.
_SECONDS = 2.5
_PATH = "/apis/authentication.k8s.io/v1/tokenreviews"
_ACCOUNT = "system:serviceaccount:"
_POD_UID = "authentication.kubernetes.io/pod-uid"


@dataclass(frozen=True, slots=True)
class PodIdentity:
    """The pod that a token is bound to."""

    namespace: str
    uid: str


class TokenReviews:
    """TokenReviews for the operator's own audience. They change nothing, so a standby may make them too."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def review(self, token: str) -> PodIdentity | None:
        """The pod whose token this is; None where it is no pod's, is not for this operator, or counts no more.

        Raises:
            ApiError: the API server did not say; 403 where this operator may not ask.
        """
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": token, "audiences": [names.CALLBACK_AUDIENCE]},
        }
        answer = await self._api.request("POST", _PATH, resource="tokenreviews", body=body, seconds=_SECONDS)
        return _identity(answer.get("status") or {})


def _identity(status: Object) -> PodIdentity | None:
    # An API server whose authenticator knows no audiences names none.
    if not status.get("authenticated") or names.CALLBACK_AUDIENCE not in (status.get("audiences") or ()):
        return None
    user = status.get("user") or {}
    account: str = user.get("username") or ""
    uids: list[str] = (user.get("extra") or {}).get(_POD_UID) or []
    if not account.startswith(_ACCOUNT) or len(uids) != 1:
        return None
    return PodIdentity(namespace=account.removeprefix(_ACCOUNT).split(":")[0], uid=uids[0])
