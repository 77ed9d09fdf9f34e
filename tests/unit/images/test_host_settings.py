"""A build reaches the registries that its host reaches, and takes over nothing else from the host."""

from pathlib import Path

from hack.images import host_settings
from hack.images.debian import find_mirror
from hack.images.list_dependencies import dependencies

POLICY = """Package files:
 100 /var/lib/dpkg/status
     release a=now
 500 https://mirror.example/debian-security bookworm-security/main amd64 Packages
     release v=12,o=Debian,a=oldstable-security,n=bookworm-security,l=Debian-Security,c=main,b=amd64
 500 https://tool.example/apt nodistro/main amd64 Packages
     release o=. nodistro,a=nodistro,n=nodistro,l=. nodistro,c=main,b=amd64
 500 https://mirror.example/debian bookworm/main amd64 Packages
     release v=12.15,o=Debian,a=oldstable,n=bookworm,l=Debian,c=main,b=amd64
"""


def test_pip_settings_that_name_a_registry_are_taken_over() -> None:
    """An index from a file or from the environment serves the build too; a folder of this host does not."""
    listing = ":env:.index-url='https://pypi.example/simple'\n:env:.find-links='/opt/wheels'\nglobal.cert='/host.pem'\n"
    assert host_settings.pip_conf(listing, with_ca=True) == (
        "[global]\nindex-url = https://pypi.example/simple\ncert = /etc/ssl/certs/ca-certificates.crt\n"
    )


def test_pip_keeps_its_own_authorities_where_the_host_has_none() -> None:
    """Without a bundle on the host, pip is not pointed at a file that is not there."""
    assert host_settings.pip_conf("", with_ca=False) == "[global]\n"


def test_npm_asks_the_registry_of_the_host() -> None:
    """The build's npm asks where npm on the host asks; a host without npm leaves npm's default."""
    assert host_settings.npmrc("https://npm.example/", with_ca=False) == "registry=https://npm.example/\n"
    assert host_settings.npmrc(None, with_ca=False) == ""


def test_programs_own_bundle_comes_before_debians(tmp_path: Path) -> None:
    """A bundle that the host's programs are told to use is the one handed in, unless it does not exist."""
    bundle = tmp_path / "company.pem"
    environ = {"SSL_CERT_FILE": str(tmp_path / "gone.pem"), "REQUESTS_CA_BUNDLE": str(bundle)}
    assert host_settings.ca_bundle(environ) != bundle
    bundle.write_text("certificates")
    assert host_settings.ca_bundle(environ) == bundle


def test_mirror_is_debians_own_main_one() -> None:
    """The base is made from Debian itself, neither its security updates nor a third party's packages."""
    assert find_mirror(POLICY) == "https://mirror.example/debian"
    assert find_mirror(POLICY.replace("o=Debian", "o=Other")) is None


def test_dependencies_are_those_of_the_flavour() -> None:
    """The runner gets the base dependencies alone, the operator its extra besides, in an order that never moves."""
    pyproject = (
        '[project]\nname="us"\ndependencies=["b", "a"]\n'
        '[project.optional-dependencies]\noperator=["us[client]", "c"]\nclient=["e"]\ndev=["d"]\n'
    )
    assert dependencies(pyproject, []) == ["a", "b"]
    assert dependencies(pyproject, ["operator"]) == ["a", "b", "c", "e"]
