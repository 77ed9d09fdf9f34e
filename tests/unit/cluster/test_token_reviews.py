"""Which answers of the API server name a pod."""

from __future__ import annotations

from typing import Any, cast

import pytest

from publishbuild.cluster.api import Api
from publishbuild.cluster.token_reviews import PodIdentity, TokenReviews

AUDIENCE = "publishbuild.dev/operator"
USER = {
    "username": "system:serviceaccount:shop:default",
    "extra": {
        "authentication.kubernetes.io/pod-name": ["app"],
        "authentication.kubernetes.io/pod-uid": ["uid-1"],
    },
}
GOOD = {"authenticated": True, "audiences": [AUDIENCE], "user": USER}


class AskedApi:
    """Answers with one status, and keeps what it was asked."""

    def __init__(self, status: dict[str, Any]) -> None:
        self.asked: dict[str, Any] = {}
        self._status = status

    async def request(self, verb: str, path: str, **request: Any) -> dict[str, Any]:
        self.asked = {"verb": verb, "path": path, **request}
        return {"status": self._status}


async def reviewed(status: dict[str, Any]) -> PodIdentity | None:
    return await TokenReviews(cast("Api", AskedApi(status))).review("t")


async def test_a_pods_token_names_the_pod() -> None:
    """The API server is asked for this operator's audience, and names the pod and its namespace."""
    api = AskedApi(GOOD)
    assert await TokenReviews(cast("Api", api)).review("t") == PodIdentity("shop", "uid-1")
    assert api.asked["body"]["spec"] == {"token": "t", "audiences": [AUDIENCE]}


@pytest.mark.parametrize(
    "status",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"authenticated": False, "error": "expired"}, id="not authenticated"),
        pytest.param(GOOD | {"audiences": ["https://kubernetes.default.svc"]}, id="for the API server"),
        pytest.param({"authenticated": True, "user": USER}, id="no audiences"),
        pytest.param(GOOD | {"user": USER | {"username": "alice"}}, id="a person"),
        pytest.param(GOOD | {"user": USER | {"extra": {}}}, id="bound to no pod"),
        pytest.param(GOOD | {"user": {"username": USER["username"]}}, id="no extra"),
    ],
)
async def test_any_other_answer_names_none(status: dict[str, Any]) -> None:
    """A token for somebody else, a person's, and a service account's that is bound to no pod are none."""
    assert await reviewed(status) is None
