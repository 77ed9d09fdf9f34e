"""Secret values reach no log and no report."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishbuild.runner.failures import FailureClass
from publishbuild.runner.logs import TAIL_BYTES, LogTail, make_log
from publishbuild.runner.redact import MASK, Redactor, secret_values
from publishbuild.runner.report import Report
from publishbuild.runner.result import BuildResult, RunResult

CANARY = "canary-7f3a91"
KEY_FILE = "-----BEGIN PRIVATE KEY-----\nMIIcanaryAAAAAAAA\nMIIcanaryBBBBBBBB\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    "printed",
    [
        CANARY,
        f"Authorization: Bearer {CANARY}",
        f"https://user:{CANARY}@github.com/a/b.git",
        f"https://{CANARY}@github.com/a/b.git",
        json.dumps({"token": CANARY}),
    ],
)
def test_a_known_secret_is_masked_wherever_it_stands(printed: str) -> None:
    """The value goes, the words around it stay."""
    assert CANARY not in Redactor({CANARY})(printed)


@pytest.mark.parametrize(
    "printed",
    [
        "fetching https://bob:hunter2@host/repo.git",
        "fetching https://hunter2@host/repo.git",
        "Authorization: Basic hunter2hunter2",
        "GET /x?access_token=hunter2&page=1",
        "ssh://git:hunter2@host/repo",
    ],
)
def test_credentials_that_nobody_named_are_masked(printed: str) -> None:
    """What looks like credentials in a URL or header goes even when its value is not known."""
    assert "hunter2" not in Redactor(set())(printed)


@pytest.mark.parametrize(
    "token",
    [
        "ghp_" + "a1B2" * 9,
        "github_pat_" + "a1B2_" * 9,
        "glpat-" + "a1B2" * 5,
        "npm_" + "a1B2" * 9,
        "xoxb-" + "123456-abcdef",
        "sk_live_" + "a1B2" * 6,
        "AKIA" + "A1B2" * 4,
        "AIza" + "a1B2-" * 7,
        "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl",
        KEY_FILE,
    ],
)
def test_the_usual_shapes_of_tokens_are_masked(token: str) -> None:
    """A token that the app's own scripts print goes although no variable holds it."""
    assert Redactor(set())(f"read {token} now") in {f"read {MASK} now", f"read {MASK}\n now"}


@pytest.mark.parametrize("value", ["abcd", "/a/path/like/value"])
def test_with_a_list_of_plain_names_every_other_value_is_hidden(value: str) -> None:
    """What came from a Secret is hidden whatever it is called and however it looks; runner.env stays readable."""
    environment = {"FLAVOR": value, "REGION": "europe", "PUBLISHBUILD_PLAIN_ENV": "REGION, OTHER", "PATH": "/bin"}
    assert secret_values(environment) == {value}


def test_a_key_file_is_masked_line_by_line() -> None:
    """Output comes line by line, so every line of a key is a secret of its own."""
    redact = Redactor({KEY_FILE})
    for line in KEY_FILE.splitlines():
        assert redact(f"read {line}") == f"read {MASK}"
    assert "canary" not in redact(json.dumps({"key": KEY_FILE.strip()}))


@pytest.mark.parametrize(
    "name",
    [
        "EXPO_TOKEN",
        "EXPO_APPLE_APP_SPECIFIC_PASSWORD",
        "MY_SECRET",
        "ASC_KEY",
        "npmToken",
        "NODE_AUTH_TOKEN",
        "NPM_CONFIG__AUTH",
        "npm_config_password",
    ],
)
def test_a_name_that_sounds_secret_is_enough(name: str) -> None:
    """Also a short value is hidden under such a name."""
    assert secret_values({name: "abcd"}) == {"abcd"}


def test_a_long_value_under_an_unknown_name_is_hidden() -> None:
    """The runner cannot know which variables came from the credentials Secret, so it hides what could."""
    assert secret_values({"ascIssuer": CANARY}) == {CANARY}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PATH", "/usr/local/bin:/usr/bin"),
        ("PUBLISHBUILD_NAME", "nightly-build-of-app"),
        ("KUBERNETES_SERVICE_HOST", "10.96.100.100"),
        ("STANDINS_PORT_3000_TCP", "tcp://10.96.1.1:3000"),
        ("NODE_ENV", "production-like"),
        ("CURL_CA_BUNDLE", "/etc/ssl/certs/ca.crt"),
        ("FLAVOR", "production"),
        ("EXPO_TOKEN", ""),
    ],
)
def test_plain_values_stay_readable(name: str, value: str) -> None:
    """A log in which every path and name is masked helps nobody."""
    assert secret_values({name: value}) == set()


@given(st.text("abcXYZ", min_size=4), st.text("0123 \n|/"), st.text("0123 \n|/"))
def test_no_secret_survives(secret: str, before: str, after: str) -> None:
    """Whatever surrounds it, a secret is gone and the rest is there."""
    assert Redactor({secret})(before + secret + after) == before + MASK + after


@given(st.text(alphabet=st.characters()))
def test_what_is_redacted_can_be_written(text: str) -> None:
    """No text, however broken, stops the log."""
    Redactor({CANARY})(text).encode()


def test_log_and_report_carry_no_canary(tmp_path: Path) -> None:
    """Every line of the log, its kept tail and the report go through the redactor."""
    out, tail, path = io.StringIO(), LogTail(), tmp_path / "termination-log"
    redactor = Redactor({CANARY})
    log = make_log(redactor, tail, out)
    log.info(CANARY, output="eas", detail=CANARY)
    log.error("unexpected", exc_info=ValueError(CANARY))
    Report(path, redactor, tail, log).end(None, FailureClass("X", f"failed with {CANARY}", retryable=True))
    assert CANARY not in out.getvalue() + path.read_text()
    assert base64.b64encode(CANARY.encode()).decode() not in out.getvalue()
    assert all(json.loads(line)["level"] for line in out.getvalue().splitlines())


def test_progress_carries_no_canary_and_tells_nothing_twice(tmp_path: Path) -> None:
    """Texts and links are redacted, EAS's own words are not, and only what is new is told."""
    out, path = io.StringIO(), tmp_path / "termination-log"
    redactor = Redactor({CANARY, "android"})
    report = Report(path, redactor, LogTail(), make_log(redactor, LogTail(), io.StringIO()), stream=out)
    build = BuildResult(platform="android", id="b", status="NEW", logs_url=f"https://h/{CANARY}")
    for message in (f"one {CANARY}", f"one {CANARY}", None, "two"):
        report.progress(RunResult(builds=(build,), message=message))
    told = [RunResult.from_progress(line) for line in out.getvalue().splitlines()]
    assert [item.message for item in told if item] == ["one ***", "two"]
    assert all(item and item.builds[0].platform == "android" for item in told)
    assert RunResult.from_message(path.read_text()) == told[-1]
    assert CANARY not in out.getvalue() + path.read_text()


def test_the_tail_is_short_and_keeps_the_last_lines() -> None:
    """At most 2 KiB, whole lines, the newest last."""
    tail = LogTail()
    assert tail.text() is None
    for number in range(500):
        tail.add(f"line {number} é")
    text = tail.text()
    assert text is not None
    assert len(text.encode()) <= TAIL_BYTES
    assert text.splitlines()[-1] == "line 499 é"
    tail.add("ü" * 5000)
    assert len((tail.text() or "").encode()) <= TAIL_BYTES
