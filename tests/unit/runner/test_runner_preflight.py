"""What must fail after the build is found before it is paid for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from publishbuild.runner.failures import AttemptFailed
from publishbuild.runner.preflight import check_profiles
from publishbuild.runner.settings import RunnerSettings, read_settings

EXAMPLE_APP = Path(__file__).resolve().parents[3] / "examples" / "app"


def settings(**environment: str) -> RunnerSettings:
    return read_settings(
        {
            "PUBLISHBUILD_UID": "u",
            "PUBLISHBUILD_NAME": "n",
            "PUBLISHBUILD_NAMESPACE": "ns",
            "PUBLISHBUILD_SOURCE_URL": "file:///x",
            **environment,
        }
    )


def write(folder: Path, content: Any) -> Path:
    (folder / "eas.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def test_the_example_app_passes() -> None:
    """What the repository ships as an example can be built and submitted."""
    check_profiles(EXAMPLE_APP, settings())


def submit(**profiles: Any) -> dict[str, Any]:
    return {"build": {"production": {}}, "submit": profiles}


GOOD = {"ios": {"ascAppId": "1"}}


@pytest.mark.parametrize(
    ("content", "environment"),
    [
        (submit(production=GOOD), {}),
        (submit(base=GOOD, production={"extends": "base"}), {}),
        (submit(production={}), {"PUBLISHBUILD_PLATFORM": "android"}),
        (submit(), {"PUBLISHBUILD_SUBMIT": "false"}),
        (submit(other=GOOD), {"PUBLISHBUILD_SUBMIT_PROFILE": "other"}),
        (submit(production={"extends": "production"}), {}),
        (submit(production={"extends": "missing"}), {}),
        ("{ /* a comment */ }", {}),
        ([], {}),
    ],
)
def test_what_may_work_is_left_to_eas_cli(tmp_path: Path, content: Any, environment: dict[str, str]) -> None:
    """Only what is certain to fail is refused."""
    check_profiles(write(tmp_path, content), settings(**environment))


@pytest.mark.parametrize(
    ("content", "environment", "reason", "said"),
    [
        ({}, {}, "InvalidConfiguration", "no build profile 'production', none at all"),
        ({"build": {"a": {}, "b": {}}}, {}, "InvalidConfiguration", "only a, b"),
        (submit(), {}, "InvalidConfiguration", "submit.enabled: false"),
        (submit(production={}), {}, "SubmitProfileIncomplete", "ios.ascAppId"),
        (submit(production={"extends": "base"}, base={}), {}, "SubmitProfileIncomplete", "ios.ascAppId"),
        (submit(production=GOOD), {"PUBLISHBUILD_SUBMIT_PROFILE": "nightly"}, "InvalidConfiguration", "'nightly'"),
    ],
)
def test_what_must_fail_is_named(
    tmp_path: Path, content: Any, environment: dict[str, str], reason: str, said: str
) -> None:
    """The sentence names the missing profile or key, and no retry is made."""
    with pytest.raises(AttemptFailed, match=said) as caught:
        check_profiles(write(tmp_path, content), settings(**environment))
    assert caught.value.failure.reason == reason
    assert not caught.value.failure.retryable


def test_a_folder_without_eas_json_is_named(tmp_path: Path) -> None:
    """Most likely source.git.path is wrong."""
    with pytest.raises(AttemptFailed, match=r"no eas\.json in"):
        check_profiles(tmp_path, settings())
