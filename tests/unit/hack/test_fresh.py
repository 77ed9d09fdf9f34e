"""What of this machine goes along into one that has never seen the project."""

from __future__ import annotations

from pathlib import Path

import pytest

from hack.fresh.bare import find_mirror
from hack.fresh.settings import apt_settings, named_files, passed_on

DUMP = """Acquire "";
Acquire::cdrom::mount "/media/cdrom/";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::https::CaInfo "/etc/ssl/own.pem";
Acquire::http::Pipeline-Depth "0";
Acquire::http::Dl-Limit "";
Acquire::Retries "3";
Acquire::IndexTargets::deb::Packages::Optional "0";
"""


def test_what_reaches_a_registry_goes_along_and_nothing_else(tmp_path: Path) -> None:
    """Indexes, proxies and authorities are passed on; tokens of other things, and folders of this machine, are not."""
    reach = {
        "PIP_INDEX_URL": "https://mirror.example/simple",
        "npm_config_registry": "https://mirror.example/npm",
        "https_proxy": "http://proxy.example:3128",
        "GOPROXY": "https://mirror.example/go",
        "REQUESTS_CA_BUNDLE": "/etc/ssl/own.pem",
    }
    others = {
        "PIP_FIND_LINKS": str(tmp_path),
        "GITHUB_TOKEN": "t",
        "GOPATH": "/go",
        "PYTHONPATH": "/x",
        "HOME": "/root",
    }
    assert passed_on({**reach, **others}) == reach


def test_apt_reaches_its_mirror_in_the_same_way() -> None:
    """Proxies, authorities and retries of apt are taken over; what apt has by default is left alone."""
    assert apt_settings(DUMP).splitlines() == [
        'Acquire::http::Proxy "http://proxy.example:3128";',
        'Acquire::https::CaInfo "/etc/ssl/own.pem";',
        'Acquire::http::Pipeline-Depth "0";',
        'Acquire::Retries "3";',
    ]


def test_files_that_settings_name_are_there_too(tmp_path: Path) -> None:
    """An authority's file is found in apt's settings and in variables, once; what is no file is passed over."""
    own, other = tmp_path / "own.pem", tmp_path / "other.pem"
    own.touch()
    other.touch()
    variables = {"SSL_CERT_FILE": str(other), "CURL_CA_BUNDLE": str(own), "PIP_CERT": str(tmp_path / "gone.pem")}
    assert named_files(f'Acquire::https::CaInfo "{own}";', variables) == [own, other]


@pytest.mark.parametrize(
    ("targets", "mirror"),
    [
        ("http://third.example/ bookworm Third\nhttp://debian.example/ bookworm Debian", "http://debian.example/"),
        ("http://debian.example/ bookworm ", "http://debian.example/"),
        ("http://security.example/ bookworm-security Debian", None),
        ("http://third.example/ bookworm Third", None),
        ("", None),
    ],
)
def test_the_mirror_is_debians_own(targets: str, mirror: str | None) -> None:
    """A third party's archive is never taken for Debian; lists that were never fetched tell no origin."""
    assert find_mirror(targets, "bookworm") == mirror
