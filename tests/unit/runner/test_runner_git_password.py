"""The git password goes to https at the source's own host alone, and submodules come from hosts alone."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from publishbuild.runner.failures import AttemptFailed
from publishbuild.runner.git import Clone
from publishbuild.runner.git_access import GitAccess
from publishbuild.runner.logs import LogTail, make_log
from publishbuild.runner.redact import Redactor
from tests.standins.make_certificate import make_certificate
from tests.support.git_hosts import AskingHost, asking_host

USER, PASSWORD = "bob", "canary-pw"
HOST = "h.example:8443"
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
WHO = {f"GIT_{role}_{what}": "t@example.invalid" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    folder = tmp_path / "secret"
    folder.mkdir()
    (folder / "username").write_text(USER)
    (folder / "password").write_text(PASSWORD)
    return folder


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    make_certificate(folder, ["127.0.0.1"])
    return folder


@pytest.fixture
def hosts(tls: Path) -> Iterator[Callable[[str], AskingHost]]:
    """Starts a host that asks for a password, by its scheme."""
    started = []

    def start(scheme: str) -> AskingHost:
        manager = asking_host(tls if scheme == "https" else None)
        started.append(manager)
        return manager.__enter__()

    yield start
    for manager in started:
        manager.__exit__(None, None, None)


def access_to(url: str, secret: Path | None, tmp_path: Path, **more: str) -> GitAccess:
    base = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "nobody"), **more}
    return GitAccess.prepare(base, url, secret, tmp_path / "private")


def clone(url: str, access: GitAccess, tmp_path: Path) -> str:
    return Clone(tmp_path / "clone", access, make_log(Redactor(set()), LogTail())).fetch(url, "main")


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [
        (f"Username for 'https://{HOST}': ", USER),
        (f"Password for 'https://{USER}@{HOST}': ", PASSWORD),
        (f"Password for 'https://{HOST}': ", PASSWORD),
        (f'Username for "https://{HOST}"', USER),
        (f'Password for "https://{USER}@{HOST}"', PASSWORD),
        pytest.param(f"Username for 'http://{HOST}': ", "", id="plain http"),
        pytest.param(f"Password for 'http://{USER}@{HOST}': ", "", id="plain http, with the user"),
        pytest.param(f'Password for "http://{USER}@{HOST}"', "", id="plain http, git-lfs"),
        pytest.param("Password for 'https://bob@h.example': ", "", id="another port"),
        pytest.param("Password for 'https://bob@evil.example': ", "", id="another host"),
        pytest.param(f"Username for 'https://{HOST}.evil.example': ", "", id="a longer host"),
        pytest.param(f"Username for 'https://{HOST}'.evil.example': ", "", id="a host with a quote"),
        pytest.param(f"Username for 'https://evil.example/x//{HOST}': ", "", id="a host with slashes"),
        pytest.param(f"Password for 'https://bob@evil.example@{HOST}': ", "", id="a host with an at sign"),
        pytest.param(f"Password for 'https://evil.example/@{HOST}': ", "", id="a host before the at sign"),
        pytest.param(f"Password for 'https://evil.example'@{HOST}': ", "", id="a quote before the at sign"),
        pytest.param(f"Password for 'ftp://x//{HOST}': ", "", id="another scheme"),
        pytest.param(f"Passphrase for 'https://{HOST}': ", "", id="another question"),
    ],
)
def test_the_password_is_given_to_its_host_alone(secret: Path, tmp_path: Path, prompt: str, answer: str) -> None:
    """Another scheme, port or host gets nothing, however the question is worded."""
    access = access_to(f"https://{HOST}/a.git", secret, tmp_path)
    command = (access.environment["GIT_ASKPASS"], prompt)
    done = subprocess.run(command, env=dict(access.environment), check=False, capture_output=True, text=True)
    assert done.stdout == answer


def ls_remote(url: str, access: GitAccess) -> None:
    """What git does first with any repository, whether it is the source or a submodule."""
    subprocess.run(("git", "ls-remote", url), env=dict(access.environment), check=False, capture_output=True)


def test_plain_http_at_the_sources_own_host_gets_no_password(
    hosts: Callable[[str], AskingHost], secret: Path, tmp_path: Path
) -> None:
    """A submodule with an http URL on the host and port of the source is asked for without the password."""
    host = hosts("http")
    access = access_to(host.url.replace("http:", "https:"), secret, tmp_path)
    ls_remote(f"{host.url}/inner.git", access)
    assert host.told == []


def test_its_own_host_gets_it(hosts: Callable[[str], AskingHost], secret: Path, tmp_path: Path, tls: Path) -> None:
    """Https at the source's host and port gets the password, also where it says that the repository has moved there."""
    host = hosts("https")
    host.elsewhere = host.url
    access = access_to(host.url, secret, tmp_path, GIT_SSL_CAINFO=str(tls / "ca.crt"))
    ls_remote(f"{host.url}/a.git", access)
    ls_remote(f"{host.url}/moved/a.git", access)
    assert set(host.told) == {BASIC}
    assert len(host.told) > 1


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("asked_before", [False, True])
def test_a_redirect_elsewhere_takes_no_password_along(
    hosts: Callable[[str], AskingHost], secret: Path, tmp_path: Path, tls: Path, scheme: str, asked_before: bool
) -> None:
    """Another scheme or port than the source's own gets nothing, whether the password was given before or not."""
    host, other = hosts("https"), hosts(scheme)
    host.elsewhere = other.url
    source = host.url.replace("//", f"//{USER}:{PASSWORD}@") if asked_before else host.url
    access = access_to(host.url, secret, tmp_path, GIT_SSL_CAINFO=str(tls / "ca.crt"))
    ls_remote(f"{source}/moved/a.git", access)
    assert other.told == []


def test_https_does_not_become_http(hosts: Callable[[str], AskingHost], tmp_path: Path, tls: Path) -> None:
    """A source over https that is sent to plain http is not followed, and no retry is made of it."""
    host, other = hosts("https"), hosts("http")
    host.elsewhere = other.url
    access = access_to(host.url, None, tmp_path, GIT_SSL_CAINFO=str(tls / "ca.crt"))
    with pytest.raises(AttemptFailed) as caught:
        clone(f"{host.url}/moved/a.git", access, tmp_path)
    assert (caught.value.failure.reason, caught.value.failure.retryable) == ("SourceNotFound", False)


def git(folder: Path, *arguments: str) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **WHO}
    subprocess.run(("git", *arguments), cwd=folder, env=environment, check=True, capture_output=True)


@pytest.fixture
def outer(tmp_path: Path) -> Callable[[str], Path]:
    """Makes a repository with a submodule at the URL, whose commit is that of ``tmp_path/inner``."""

    def make(url: str) -> Path:
        inner, folder = tmp_path / "inner", tmp_path / "outer"
        for one in (inner, folder):
            one.mkdir()
            git(one, "init", "-q", "-b", "main")
        (inner / "secret-of-the-pod").write_text("canary")
        git(inner, "add", ".")
        git(inner, "commit", "-q", "-m", "inner")
        git(folder, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", inner.as_uri(), "inner")
        git(folder, "config", "--file", ".gitmodules", "submodule.inner.url", url.format(inner=inner, folder=folder))
        git(folder, "add", ".")
        git(folder, "commit", "-q", "-m", "outer")
        return folder

    return make


@pytest.mark.parametrize(
    "url", ["file://{inner}", "{inner}", "../inner", "./../inner", "ext::touch% {folder}/ran", "git://127.0.0.1/inner"]
)
def test_a_submodule_comes_from_no_file_and_no_program(outer: Callable[[str], Path], tmp_path: Path, url: str) -> None:
    """A submodule at a path, a file URL, a program or the unsafe git protocol is refused at once."""
    source = outer(url)
    access = access_to(source.as_uri(), None, tmp_path)
    with pytest.raises(AttemptFailed) as caught:
        clone(source.as_uri(), access, tmp_path)
    assert (caught.value.failure.reason, caught.value.failure.retryable) == ("SourceNotFound", False)
    assert not (tmp_path / "clone" / "inner" / "secret-of-the-pod").exists()
    assert not (source / "ran").exists()


def test_a_fetch_that_goes_back_asks_for_no_submodules(outer: Callable[[str], Path], tmp_path: Path) -> None:
    """Git's own habit of fetching submodules along would use the source's protocols for them."""
    source = outer("https://127.0.0.1:1/inner.git")
    access = access_to(source.as_uri(), None, tmp_path)
    done = subprocess.run(
        ("git", "config", "fetch.recurseSubmodules"), env=dict(access.environment), check=False, capture_output=True
    )
    assert done.stdout.strip() == b"false"
