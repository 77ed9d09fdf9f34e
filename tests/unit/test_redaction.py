"""Tenants' words lose what looks like a secret and nothing else; what that costs is in `test_patterns`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishbuild.decide.facts import PodFacts
from publishbuild.redaction import HIDDEN, LONGEST_TEXT, bounded, redacted
from tests.builders import Object, a_pod

SECRETS = [
    "EXPO_TOKEN=canary-1234",
    "clone of https://me:canary-1234@git.example/app failed",
    "clone of https://canary-1234@git.example/app failed",
    "clone of https://me:a@canary-1234@git.example/app failed",
    "clone of ssh://me:canary-1234@git.example/app failed",
    "Authorization: Bearer canary-1234",
    "authorization: canary-1234",
    '{"password": "canary-1234", "user": "me"}',
    r"said {\"password\": \"canary-1234\"}",
    "'password' => 'canary-1234'",
    "--api-key canary-1234 --api-key=canary-1234",
    "eas build --token canary-1234 --json",
    "keytool -storepass canary -alias app",
    'storePassword="canary-1234"',
    "keyPassword=canary-1234",
    "MYAPP_UPLOAD_KEY_PASSWORD : canary-1234",
    'password = "canary with spaces and \\" a quote"',
    'cut off: password = "canary with spaces',
    "//npm.example/:_auth=canary1234",
    "token EXPO_TOKEN=canary-1234",
    "token=***|password=canary-1234",
    "tokenType=bearer|password=canary-1234",
    "unexpected token: password=canary-1234",
    "-----BEGIN RSA PRIVATE KEY-----\ncanary-1234\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\ncanary-1234\n",
    "canaryAAAAAAAAAA\ncanaryBBBBBBBBBB==\n-----END PRIVATE KEY-----",
    "pushed with ghp_canary1234canary1234",
    "GET https://b.s3.amazonaws.com/app.ipa?X-Amz-Date=1&X-Amz-Signature=canary1234",
    "GET https://b.blob.core.windows.net/app.ipa?sv=1&sig=canary1234%3D&se=2",
    "GET /x?access_token=canary-1234&page=1",
    "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=canary0123456789",
]
SHAPES = [
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "a1B2_" * 9,
    "glpat-" + "a1B2" * 5,
    "npm_" + "a1B2" * 9,
    "xoxb-" + "123456-abcdef",
    "sk_live_" + "a1B2" * 6,
    "AKIA" + "A1B2" * 4,
    "ASIA" + "A1B2" * 4,
    "AIza" + "a1B2-" * 7,
    "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl",
]
WORDS = [
    "the store said no",
    "npm error code E404",
    "npm_config_update_notifier and npm_lifecycle_event",
    "https://expo.dev/accounts/a/projects/b/builds/1",
    "https://npm.example/@expo%2fcli",
    "cannot clone ssh://git@git.example/app.git",
    "Unexpected token < in JSON at position 0",
    "SyntaxError: Unexpected token: '}'",
    "tokens: 5, secrets: 12",
    "the password is wrong",
    "token: expired",
    "option --token is required",
    "basic authentication failed",
    "tokenType: x, secretName: expo, PASSWORD_FILE=/etc/x",
    'secret "expo" not found',
    'hasToken: true, storePassword="***"',
    '{"failure":{"reason":"BuildErrored","message":"Gradle build failed"},"commit":"0123456789abcdef"}',
]


@pytest.mark.parametrize("text", SECRETS)
def test_what_looks_like_a_secret_is_hidden(text: str) -> None:
    """The canary is gone from the text, and from the facts that a pod with that last word gives."""
    assert "canary" not in redacted(text)
    assert "canary" not in str(PodFacts.read(a_pod(exit_code=1, message=text)))


@pytest.mark.parametrize("token", SHAPES)
def test_the_usual_shapes_of_tokens_are_hidden(token: str) -> None:
    """A token goes wherever it stands, and the words around it stay."""
    assert redacted(f"read {token} now") == f"read {HIDDEN} now"


@pytest.mark.parametrize("text", WORDS)
def test_other_words_stay(text: str) -> None:
    """Ordinary output and the runner's report are left as they are."""
    assert redacted(text) == text


@given(st.lists(st.sampled_from([*SECRETS, *SHAPES, *WORDS, " ", "\n", '"', "token", "=", "://", "-"])).map("".join))
def test_what_is_redacted_stays_as_it_is(text: str) -> None:
    """Words that were redacted once are not changed by a second time, of which there are several on their way."""
    once = redacted(text)
    assert redacted(once) == once


@pytest.mark.parametrize("head", ["", "words before ", "\n", "https://user:canary"])
def test_only_a_bounded_text_is_read(head: str) -> None:
    """Of a text that is too long the first words are kept, none of them cut through."""
    word = "https://user:canary@host/"
    short = bounded(head + word * LONGEST_TEXT)
    assert len(short) <= LONGEST_TEXT + len(" …")
    assert "canary" not in redacted(short)
    assert bounded("a" * LONGEST_TEXT) == "a" * LONGEST_TEXT


class Untouchable(dict[str, object]):
    """A status that must not be read."""

    def get(self, key: str, default: object = None) -> object:
        assert key not in ("message", "waiting"), "a word of somebody else's pod was read"
        return super().get(key, default)


def _with_words(**changed: object) -> Object:
    pod = a_pod(exit_code=1, message="token" * 800)
    pod["metadata"].update(changed)
    state = pod["status"]["containerStatuses"][0]["state"]
    state["terminated"] = Untouchable(state["terminated"])
    pod["status"] = Untouchable(pod["status"])
    return pod


@pytest.mark.parametrize("owners", [[], [{"controller": True, "kind": "Job", "name": "another", "uid": "x"}]])
def test_of_a_pod_that_is_no_builds_no_word_is_read(owners: list[Object]) -> None:
    """Our labels on somebody's pod are not enough to have the operator read what it says."""
    assert PodFacts.read(_with_words(ownerReferences=owners)).message is None
