"""A token's words of itself: read from any text without a harm, and believed by nobody."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishbuild.decide.claims import LONGEST_TOKEN, Claims, claims_of
from tests.support.tokens import EXPIRES, a_token


def of(body: bytes) -> str:
    """A token with that body."""
    return f"e30.{base64.urlsafe_b64encode(body).decode().rstrip('=')}.c2ln"


@pytest.mark.parametrize("audience", [["publishbuild.dev/operator"], ["a", "publishbuild.dev/operator"]])
def test_a_pods_token(audience: list[str]) -> None:
    """Pod and end of a token as the API server makes it."""
    assert claims_of(a_token("uid-1", audience=audience)) == Claims("uid-1", EXPIRES)
    assert claims_of(a_token("uid-1", audience=audience[-1])) == Claims("uid-1", EXPIRES)


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="nothing"),
        pytest.param("a.b", id="two parts"),
        pytest.param(a_token("u") + ".x", id="four parts"),
        pytest.param(a_token("u", audience=["publishbuild.dev/operators"]), id="for another"),
        pytest.param(a_token("u", audience="xpublishbuild.dev/operator"), id="for one that only sounds so"),
        pytest.param(a_token("u", audience={"publishbuild.dev/operator": 1}), id="no list"),
        pytest.param(a_token(""), id="no pod"),
        pytest.param(a_token("u" * LONGEST_TOKEN), id="too long"),
        pytest.param(of(b"[1]"), id="a list"),
        pytest.param(of(b"{"), id="no JSON"),
        pytest.param(of(b"\xff\xfe"), id="no text"),
        pytest.param(
            of(b'{"aud":["publishbuild.dev/operator"],"exp":1,"kubernetes.io":{"pod":{"uid":7}}}'), id="a number"
        ),
        pytest.param(
            of(b'{"aud":["publishbuild.dev/operator"],"exp":"1","kubernetes.io":{"pod":{"uid":"u"}}}'), id="no end"
        ),
        pytest.param("e30." + "W" * 4000 + ".c2ln", id="deep"),
        pytest.param(of(b"[" * 6000), id="nested"),
        pytest.param(of(b"1" * 6000), id="long number"),
    ],
)
def test_any_other_text_has_none(token: str) -> None:
    """What is no token of a pod for this operator has no claims, and raises nothing."""
    assert claims_of(token) is None


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=200))
def test_no_text_raises(text: str) -> None:
    """Whatever is sent has claims or none."""
    claims_of(text)
    claims_of(of(text.encode()))
