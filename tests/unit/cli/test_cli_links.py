"""What is shown as a link, and what is only text."""

from __future__ import annotations

import pytest

from publishbuild.cli.views.explain import explain
from publishbuild.cli.views.links import is_link, shown_link
from publishbuild.cli.views.log_lines import eas_links
from publishbuild.cli.views.sight import Sight
from publishbuild.cli.views.stages import tracks
from publishbuild.models.base import rfc3339
from tests.builders import NOW, Object, a_build

LINKS = (
    "https://expo.dev/accounts/acme/projects/shop/builds/7",
    "https://expo.dev",
    "https://artifacts.example:8443/app.ipa?signature=a%2Fb&x=~#top",
)
TEXTS = (
    "http://expo.dev/b/7",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "ssh://host/$(id)",
    "s3://bucket/app.ipa",
    "https://",
    "https:///b/7",
    "https://expo.dev@evil.example/b/7",
    "https://user:password@evil.example/",
    "https://expo.dev\\@evil.example/",
    "https://\u0435xpo.dev/b/7",
    "https://expo.dev/\u202efdp.exe",
    "https://expo.dev/ and more",
    "https://expo.dev/\nhttps://evil.example/",
    " https://expo.dev/",
    "//expo.dev/b/7",
    "x",
)


def published(url: str) -> Object:
    said = {
        "type": "Succeeded", "status": "True", "reason": "Succeeded", "message": "", "lastTransitionTime": rfc3339(NOW),
    }  # fmt: skip
    made = {"platform": "ios", "id": "7", "status": "FINISHED"}
    status = {
        "phase": "Succeeded",
        "conditions": [said],
        "builds": [made | {"logsURL": url, "artifactURL": url}],
        "submissions": [made | {"url": url}],
    }
    return a_build(platform="ios", status=status)


def failed(reason: str, url: str) -> Object:
    build = published(url)
    build["status"]["conditions"][0] |= {"status": "False", "reason": "PodFailurePolicy"}
    build["status"]["failure"] = {"reason": reason, "message": ""}
    return build


def places(url: str) -> list[str]:
    """What is shown of the page of a build, of its app and of its submission, wherever one of them is."""
    sight = Sight.read(published(url), NOW)
    told = explain(sight)
    shown = [*(step.text for step in told.steps[:-1]), *(fact.says for fact in told.evidence if "ios" in fact.what)]
    return [*shown, *(way.link for way in tracks(sight)), *eas_links(sight.status)]


@pytest.mark.parametrize("url", LINKS)
def test_an_https_page_is_a_link(url: str) -> None:
    """A page over https stands as it is wherever it is shown, and is what to read."""
    assert is_link(url)
    assert all(url in text and "not an https link" not in text for text in places(url))
    assert explain(Sight.read(failed("BuildErrored", url), NOW)).steps[0].text.endswith(url)
    assert explain(Sight.read(failed("SubmissionErrored", url), NOW)).steps[0].text.endswith(url)


@pytest.mark.parametrize("url", TEXTS)
def test_anything_else_is_text(url: str) -> None:
    """What leads elsewhere, or hides where it leads, is shown as what was said, and nobody is told to go there."""
    assert not is_link(url)
    shown = places(url)
    assert len(shown) == 8
    assert all(shown_link(url) in text and "(not an https link)" in text for text in shown)
    for reason in ("BuildErrored", "SubmissionErrored"):
        assert url not in explain(Sight.read(failed(reason, url), NOW)).steps[0].text.split()
        assert "the page in status" in explain(Sight.read(failed(reason, url), NOW)).steps[0].text
