"""The environment of the pod: good values become settings, each bad one a line that a person can act on."""

from __future__ import annotations

import pytest

from publishbuild.runner.settings import SettingsError, read_settings

GOOD = {
    "PUBLISHBUILD_UID": "0f6a-11",
    "PUBLISHBUILD_NAME": "app",
    "PUBLISHBUILD_NAMESPACE": "team",
    "PUBLISHBUILD_SOURCE_URL": "https://github.com/a/b.git",
}


def test_the_least_environment_gives_the_documented_defaults() -> None:
    """What the contract calls a default is one."""
    settings = read_settings(GOOD)
    assert settings.source_revision == "HEAD"
    assert settings.source_path == "."
    assert settings.platforms == ("ios", "android")
    assert settings.profile == settings.effective_submit_profile == "production"
    assert settings.submit is True
    assert settings.source_secret_dir is None
    assert settings.poll_seconds == 10
    assert str(settings.workdir) == "/workspace"
    assert settings.message("ios") == "pb:0f6a-11:ios"


@pytest.mark.parametrize(
    "url",
    [
        "https://host/a.git",
        "https://host:8443/a.git",
        "http://host/a.git",
        "ssh://git@host:22/a.git",
        "git@host:a/b.git",
        "file:///repo",
    ],
)
def test_every_kind_of_source_url_is_taken(url: str) -> None:
    """https, ssh in both spellings, file, and http for tests."""
    assert read_settings({**GOOD, "PUBLISHBUILD_SOURCE_URL": url}).source_url == url


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PUBLISHBUILD_PLATFORM", "windows", "'ios', 'android' or 'all'"),
        ("PUBLISHBUILD_SUBMIT", "perhaps", "boolean"),
        ("PUBLISHBUILD_POLL_SECONDS", "0", "greater than 0"),
        ("PUBLISHBUILD_POLL_SECONDS", "soon", "number"),
        ("PUBLISHBUILD_SOURCE_URL", "ext::sh -c x", "an https, ssh or file URL"),
        ("PUBLISHBUILD_SOURCE_URL", "--upload-pack=x", "an https, ssh or file URL"),
        ("PUBLISHBUILD_SOURCE_REVISION", "--output=x", "a branch, a tag or a SHA"),
        ("PUBLISHBUILD_SOURCE_REVISION", "a..b", "a branch, a tag or a SHA"),
        ("PUBLISHBUILD_SOURCE_PATH", "../other", "without '..'"),
        ("PUBLISHBUILD_SOURCE_PATH", "/etc", "relative"),
        ("PUBLISHBUILD_PROFILE", "--auto-submit", "a name as in eas.json"),
        ("PUBLISHBUILD_UID", "a b", "PUBLISHBUILD_UID"),
        ("PUBLISHBUILD_INSTALL", "often", "'auto', 'always' or 'never'"),
    ],
)
def test_a_bad_value_gives_one_line_with_its_name_and_what_is_allowed(name: str, value: str, said: str) -> None:
    """The line names the variable and says what would do."""
    with pytest.raises(SettingsError) as caught:
        read_settings({**GOOD, name: value})
    line = str(caught.value)
    assert "\n" not in line
    assert name in line
    assert said in line


def test_all_missing_variables_are_named_at_once() -> None:
    """Nobody has to start four times to learn of four names."""
    with pytest.raises(SettingsError) as caught:
        read_settings({})
    assert str(caught.value).splitlines() == [f"{name} is not set" for name in GOOD]


def test_credentials_in_the_url_are_refused_without_repeating_them() -> None:
    """The line that refuses a password must not print it."""
    with pytest.raises(SettingsError) as caught:
        read_settings({**GOOD, "PUBLISHBUILD_SOURCE_URL": "https://bob:hunter2@host/a.git"})
    assert "hunter2" not in str(caught.value)


def test_a_source_secret_does_not_go_over_plain_http() -> None:
    """A password in clear on the wire is refused."""
    bad = {**GOOD, "PUBLISHBUILD_SOURCE_URL": "http://host/a.git", "PUBLISHBUILD_SOURCE_SECRET_DIR": "/secret"}
    with pytest.raises(SettingsError, match="plain http"):
        read_settings(bad)
