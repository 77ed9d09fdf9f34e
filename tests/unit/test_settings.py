"""Settings: good ones are read, a bad one stops the start with one line that helps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishbuild.build_queue.redis_queue import RedisQueue
from publishbuild.settings import Settings, SettingsError, read_settings, variable


def test_defaults_are_the_contracts() -> None:
    """Nothing has to be set."""
    settings = read_settings({})
    assert settings == Settings()
    assert (settings.max_concurrent, settings.max_concurrent_per_namespace, settings.on_redis_outage) == (10, 0, "hold")
    assert (settings.log_level, settings.log_format) == ("info", "json")
    assert (settings.http_port, settings.callback_port) == (8080, 8081)
    assert settings.watch_namespaces == ()


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        pytest.param("REDIS_URL", "rediss://u:p@redis:6380/1", "redis_url", "rediss://u:p@redis:6380/1", id="redis"),
        pytest.param("REDIS_URL", "unix:///run/redis.sock", "redis_url", "unix:///run/redis.sock", id="unix socket"),
        pytest.param("REDIS_URL", "redis://[::1]:6379", "redis_url", "redis://[::1]:6379", id="IPv6"),
        pytest.param("PUBLISHBUILD_WATCH_NAMESPACES", "a, b-1,", "watch_namespaces", ("a", "b-1"), id="namespaces"),
        pytest.param("PUBLISHBUILD_WATCH_NAMESPACES", "", "watch_namespaces", (), id="all namespaces"),
        pytest.param("PUBLISHBUILD_MAX_CONCURRENT", "250", "max_concurrent", 250, id="places"),
        pytest.param("PUBLISHBUILD_MAX_CONCURRENT_PER_NAMESPACE", "0", "max_concurrent_per_namespace", 0, id="0"),
        pytest.param("PUBLISHBUILD_RESERVED_FOR_IDLE", "0", "reserved", 0, id="nothing reserved"),
        pytest.param("PUBLISHBUILD_RESERVED_FOR_IDLE", "9", "reserved", 9, id="most of all places"),
        pytest.param("PUBLISHBUILD_RESERVED_FOR_IDLE", "", "reserved", 3, id="three of ten"),
        pytest.param("PUBLISHBUILD_PRIORITY_NAMESPACES", "ops", "priority_namespaces", ("ops",), id="priority"),
        pytest.param("PUBLISHBUILD_ON_REDIS_OUTAGE", "direct", "on_redis_outage", "direct", id="direct"),
        pytest.param("PUBLISHBUILD_RUNNER_IMAGE", "r/x@sha256:1", "runner_image", "r/x@sha256:1", id="image"),
        pytest.param("PUBLISHBUILD_LOG_LEVEL", "debug", "log_level", "debug", id="level"),
        pytest.param("PUBLISHBUILD_LOG_FORMAT", "console", "log_format", "console", id="format"),
        pytest.param("PUBLISHBUILD_HTTP_PORT", "0", "http_port", 0, id="any port"),
        pytest.param("PUBLISHBUILD_CALLBACK_PORT", "0", "callback_port", 0, id="any port for pods"),
        pytest.param("PUBLISHBUILD_RESYNC_SECONDS", "2.5", "resync_seconds", 2.5, id="resync"),
        pytest.param("PUBLISHBUILD_HTTP_PORT", "", "http_port", 8080, id="empty is the default"),
    ],
)
def test_each_variable_is_read(name: str, text: str, field: str, value: object) -> None:
    """Every variable of the contract sets its field."""
    assert getattr(read_settings({name: text, "PATH": "/bin"}), field) == value


@pytest.mark.parametrize(
    ("places", "reserved"), [(1, 0), (3, 0), (4, 1), (9, 2), (10, 3), (20, 6), (33, 9), (34, 10), (10_000, 10)]
)
def test_three_of_ten_places_are_reserved(places: int, reserved: int) -> None:
    """By default, rounded down, and never more than ten: a large installation loses no three tenths."""
    assert read_settings({"PUBLISHBUILD_MAX_CONCURRENT": str(places)}).reserved == reserved


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        pytest.param("PUBLISHBUILD_MAX_CONCURRENT", "0", "1 to 10000", id="no place at all"),
        pytest.param("PUBLISHBUILD_MAX_CONCURRENT", "ten", "whole number", id="a word for a number"),
        pytest.param("PUBLISHBUILD_MAX_CONCURRENT", "1.5", "whole number", id="half a place"),
        pytest.param("PUBLISHBUILD_MAX_CONCURRENT", "10001", "10000", id="too many places"),
        pytest.param("PUBLISHBUILD_MAX_CONCURRENT_PER_NAMESPACE", "-1", "0 (no limit)", id="negative limit"),
        pytest.param(
            "PUBLISHBUILD_RESERVED_FOR_IDLE", "10", "less than PUBLISHBUILD_MAX_CONCURRENT", id="all reserved"
        ),
        pytest.param("PUBLISHBUILD_RESERVED_FOR_IDLE", "-1", "0 (none)", id="less than none reserved"),
        pytest.param("PUBLISHBUILD_RESERVED_FOR_IDLE", "auto", "whole number", id="a word for what is reserved"),
        pytest.param("PUBLISHBUILD_PRIORITY_NAMESPACES", "*", "empty for none", id="priority by pattern"),
        pytest.param("PUBLISHBUILD_ON_REDIS_OUTAGE", "fail", "hold or direct", id="outage"),
        pytest.param("PUBLISHBUILD_RUNNER_IMAGE", "an image", "image", id="image with a space"),
        pytest.param("PUBLISHBUILD_LOG_LEVEL", "verbose", "debug, info, warning or error", id="level"),
        pytest.param("PUBLISHBUILD_LOG_FORMAT", "xml", "json or console", id="format"),
        pytest.param("PUBLISHBUILD_HTTP_PORT", "65536", "65535", id="port too large"),
        pytest.param("PUBLISHBUILD_HTTP_PORT", "http", "port", id="port by name"),
        pytest.param("PUBLISHBUILD_CALLBACK_PORT", "-1", "65535", id="negative port"),
        pytest.param("PUBLISHBUILD_CALLBACK_PORT", "8080", "PUBLISHBUILD_HTTP_PORT", id="one port for both"),
        pytest.param("PUBLISHBUILD_RESYNC_SECONDS", "0", "1 to 86400", id="resync too often"),
        pytest.param("PUBLISHBUILD_RESYNC_SECONDS", "nan", "1 to 86400", id="resync no number"),
        pytest.param("PUBLISHBUILD_RESYNC_SECONDS", "inf", "1 to 86400", id="resync never"),
        pytest.param("PUBLISHBUILD_WATCH_NAMESPACES", "Shop", "namespaces", id="namespace in capitals"),
        pytest.param("PUBLISHBUILD_WATCH_NAMESPACES", "a b", "commas", id="separated by a space"),
        pytest.param("PUBLISHBUILD_WATCH_NAMESPACES", "*", "empty for all", id="namespaces by pattern"),
    ],
)
def test_a_bad_value_is_one_line(name: str, value: str, allowed: str) -> None:
    """The line names the variable, the value and what is allowed."""
    with pytest.raises(SettingsError) as caught:
        read_settings({name: value})
    line = str(caught.value)
    assert line.startswith(f"{name}: {value!r}")
    assert allowed in line
    assert "\n" not in line


def test_both_ports_may_be_any() -> None:
    """0 is a free port for each of the two, never the same; a taken default is refused as a given one is."""
    settings = read_settings({"PUBLISHBUILD_HTTP_PORT": "0", "PUBLISHBUILD_CALLBACK_PORT": "0"})
    assert (settings.http_port, settings.callback_port) == (0, 0)
    with pytest.raises(SettingsError, match=r"^PUBLISHBUILD_CALLBACK_PORT: '8081' cannot be used; .*HTTP_PORT$"):
        read_settings({"PUBLISHBUILD_HTTP_PORT": "8081"})


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://user:canary@redis:6379", id="another scheme"),
        pytest.param("user:canary@redis", id="no scheme"),
        pytest.param("redis://user:canary@redis:port", id="port that is no number"),
        pytest.param("redis://user:canary/2@redis:6379/0", id="slash in the password"),
        pytest.param("redis://user:canary@redis:99999", id="port out of range"),
        pytest.param("redis://user:canary@[::1:6379", id="bad IPv6"),
        pytest.param("redis://user:canary@redis:6379/db", id="database that is no number"),
    ],
)
def test_a_bad_redis_url_is_one_line_without_the_password(url: str) -> None:
    """A Redis URL that cannot be used stops the start, and its password is not shown."""
    with pytest.raises(SettingsError) as caught:
        read_settings({"REDIS_URL": url})
    line = str(caught.value)
    assert line.startswith("REDIS_URL: ")
    assert "canary" not in line
    assert caught.value.__cause__ is None
    assert "\n" not in line


@pytest.mark.parametrize(
    "url",
    ["redis://redis", "redis://:p%40ss@redis:6379/3", "rediss://u:p@r:1/0?ssl_cert_reqs=none", "unix:///x.sock?db=1"],
)
async def test_a_good_redis_url_makes_a_queue(url: str) -> None:
    """What the settings accept, the queue takes."""
    await RedisQueue(read_settings({"REDIS_URL": url}).redis_url, "e").close()


@given(st.sampled_from(sorted(Settings.model_fields)), st.text(min_size=1, max_size=40))
def test_any_text_is_read_or_refused_in_one_line(field: str, text: str) -> None:
    """Whatever somebody sets: settings, or one line about that variable."""
    try:
        read_settings({variable(field): text})
    except SettingsError as bad:
        assert str(bad).startswith(variable(field))  # noqa: PT017  # either is right
        assert "\n" not in str(bad)  # noqa: PT017


def test_settings_cannot_be_changed() -> None:
    """The settings of a process are those it started with."""
    with pytest.raises(ValueError, match="frozen"):
        Settings().max_concurrent = 3  # type: ignore[misc]  # what is tried
