"""REDIS_URL in all its forms: what each part means, and one line for what cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishbuild.build_queue.address import Address, AddressError, read_address
from publishbuild.build_queue.connection import check_url, open_client
from publishbuild.settings import SettingsError, read_settings


@pytest.mark.parametrize(
    ("url", "address"),
    [
        pytest.param("redis://", Address("single", False, (("localhost", 6379),)), id="all defaults"),
        pytest.param("redis://:7000/2", Address("single", False, (("localhost", 7000),), database=2), id="port alone"),
        pytest.param("REDIS://Host", Address("single", False, (("Host", 6379),)), id="capitals"),
        pytest.param(
            "redis://r.svc.cluster.local.:1", Address("single", False, (("r.svc.cluster.local.", 1),)), id="dot"
        ),
        pytest.param("redis://my_redis/", Address("single", False, (("my_redis", 6379),)), id="underscore"),
        pytest.param("redis://[fd00::1]:7000", Address("single", False, (("fd00::1", 7000),)), id="IPv6"),
        pytest.param("redis://[::1]", Address("single", False, (("::1", 6379),)), id="IPv6 without port"),
        pytest.param("redis://r?db=4", Address("single", False, (("r", 6379),), database=4), id="db as option"),
        pytest.param("redis://r/1\n", Address("single", False, (("r", 6379),), database=1), id="line break at the end"),
        pytest.param(
            "redis://u:p%40%2F%3A@r",
            Address("single", False, (("r", 6379),), username="u", password="p@/:"),
            id="percent-encoded",
        ),
        pytest.param("redis://:p%C3%A9@r", Address("single", False, (("r", 6379),), password="pé"), id="UTF-8"),
        pytest.param("redis://u:@r", Address("single", False, (("r", 6379),), username="u", password=""), id="no word"),
        pytest.param(
            "rediss://r:6380?ssl_ca_certs=/ca.crt&ssl_cert_reqs=none",
            Address("single", True, (("r", 6380),), options={"ssl_ca_certs": "/ca.crt", "ssl_cert_reqs": "none"}),
            id="TLS",
        ),
        pytest.param(
            "unix:///run/r%20s.sock?db=1&password=p",
            Address("unix", False, socket="/run/r s.sock", database=1, password="p"),
            id="unix socket",
        ),
        pytest.param(
            "unix://u:p@/x.sock", Address("unix", False, socket="/x.sock", username="u", password="p"), id="unix user"
        ),
        pytest.param(
            "redis+sentinel://u:p@a,b:1,[::1]:2/main/3?sentinel_username=s&sentinel_password=q%26",
            Address(
                "sentinel",
                False,
                (("a", 26379), ("b", 1), ("::1", 2)),
                master="main",
                database=3,
                username="u",
                password="p",
                sentinel_username="s",
                sentinel_password="q&",
            ),
            id="Sentinel",
        ),
        pytest.param(
            "rediss+sentinel://a/m%2F1",
            Address("sentinel", True, (("a", 26379),), master="m/1"),
            id="Sentinel with TLS",
        ),
        pytest.param("redis+cluster://a,b:1/0", Address("cluster", False, (("a", 6379), ("b", 1))), id="Cluster"),
        pytest.param("rediss+cluster://a", Address("cluster", True, (("a", 6379),)), id="Cluster with TLS"),
    ],
)
async def test_each_form_is_read(url: str, address: Address) -> None:
    """Each form gives its hosts, database, credentials and options, and a client can be made of it."""
    assert read_address(url) == address
    if "/ca.crt" not in url:
        check_url(url)
    await open_client(url).aclose()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        pytest.param("canary", "scheme", id="no scheme"),
        pytest.param("http://canary@redis", "scheme", id="another scheme"),
        pytest.param("redis-sentinel://canary@s/m", "scheme", id="another's Sentinel form"),
        pytest.param("redis://:ca nary@redis", "space", id="space"),
        pytest.param("redis://canary@redis", "user:password@", id="one word before the host"),
        pytest.param("redis://u:canary@a,b", "several hosts", id="several hosts"),
        pytest.param("redis://u:canary/2@redis:6379/0", "%2F", id="slash in the password"),
        pytest.param("redis://u:12/canary@redis:6379/0", "%2F", id="slash after digits"),
        pytest.param("redis://u:12?canary@redis:6379/0", "name=value", id="question mark in the password"),
        pytest.param("redis://u:canary@redis:0", "1 to 65535", id="port 0"),
        pytest.param("redis://u:canary@redis:70000", "1 to 65535", id="port too large"),
        pytest.param(f"redis://u:canary@redis:{'9' * 5000}", "1 to 65535", id="endless port"),
        pytest.param("redis://u:canary@redis:²", "1 to 65535", id="digit of another script"),
        pytest.param("redis://u:canary@[::1", "host", id="bracket left open"),
        pytest.param("redis://u:canary@[::1]7", "host", id="no colon after the bracket"),
        pytest.param("redis://u:canary@::1", "port", id="IPv6 without brackets"),
        pytest.param("redis://u:canary@a..b", "host", id="empty label"),
        pytest.param(f"redis://u:canary@{'a' * 64}", "host", id="label too long"),
        pytest.param("redis://u:canary@redis/db", "database", id="database by name"),
        pytest.param("redis://u:canary@redis/0/1", "database", id="two databases"),
        pytest.param("redis://u:%ffcanary@redis", "UTF-8", id="not UTF-8"),
        pytest.param("redis://redis?canary", "name=value", id="option without value"),
        pytest.param("redis://redis?socket_timeout=90", "not known here", id="option of the client's own"),
        pytest.param("redis://redis?db=1&db=2", "twice", id="option twice"),
        pytest.param("redis://redis?ssl_ca_certs=/ca", "rediss", id="TLS option without TLS"),
        pytest.param("rediss://redis?ssl_cert_reqs=maybe", "required, optional, none", id="TLS option's value"),
        pytest.param("rediss://redis?ssl_ca_certs=/canary", "ssl_ options", id="no such file"),
        pytest.param("rediss://redis?ssl_ciphers=canary", "ssl_ options", id="no such cipher"),
        pytest.param("unix://canary/x.sock", "unix:///", id="relative socket"),
        pytest.param("redis+sentinel://u:canary@s1:26379", "NAME", id="no master"),
        pytest.param("redis+sentinel://u:canary@/mymaster", "host", id="no Sentinel"),
        pytest.param("redis+sentinel://u:canary@a,,b/mymaster", "host", id="empty Sentinel"),
        pytest.param("redis+cluster://u:canary@a/1", "database 0", id="database of a Cluster"),
        pytest.param("redis+cluster://a?db=1", "not known here", id="db option of a Cluster"),
    ],
)
def test_what_cannot_be_read_is_one_line(url: str, said: str) -> None:
    """The text says what is wrong and repeats no part of the URL."""
    with pytest.raises(AddressError, match=said) as caught:
        check_url(url)
    assert "canary" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_settings_say_the_reason() -> None:
    """The line of the settings names variable, reason and what is allowed."""
    with pytest.raises(SettingsError) as caught:
        read_settings({"REDIS_URL": "redis+sentinel://:canary@s"})
    line = str(caught.value)
    assert line.startswith("REDIS_URL: cannot be used, the name of the master is missing")
    assert "allowed is a URL that starts with redis://, rediss://" in line
    assert "canary" not in line


def test_an_address_shows_no_password() -> None:
    """What is logged of an address holds no credentials."""
    shown = repr(read_address("redis+sentinel://canary:canary@s/m?sentinel_password=canary&sentinel_username=canary"))
    assert "canary" not in shown


def test_the_page_shows_each_form() -> None:
    """Every example of docs/redis.md is one that can be read."""
    page = (Path(__file__).parents[3] / "docs" / "redis.md").read_text()
    rows = [
        row.split("`")[1] for row in page.split("## Access")[0].splitlines() if row.startswith("|") and "://" in row
    ]
    assert {read_address(url).form for url in rows} == {"single", "unix", "sentinel", "cluster"}


@given(st.sampled_from(["redis", "rediss+sentinel", "redis+cluster", "unix"]), st.text(max_size=40))
def test_any_text_is_read_or_refused(scheme: str, text: str) -> None:
    """Whatever follows the scheme: an address that the client takes, or one AddressError."""
    try:
        read_address(f"{scheme}://{text}")
    except AddressError:
        return
    open_client(f"{scheme}://{text}")


@given(st.text(min_size=1), st.text())
def test_encoded_credentials_come_back(username: str, password: str) -> None:
    """Any user and password can be written, percent-encoded."""
    encoded = [f"{part.encode('utf-8', 'surrogatepass').hex('%')}" for part in (username, password)]
    user, word = (f"%{part}" if part else "" for part in encoded)
    try:
        address = read_address(f"redis://{user}:{word}@r")
    except AddressError:
        assert any("\ud800" <= letter <= "\udfff" for letter in username + password)
        return
    assert (address.username, address.password) == (username, password)
