"""The source is cloned at exactly the wanted revision, against real repositories and the real git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from publishbuild.runner.failures import AttemptFailed
from publishbuild.runner.git import Clone
from publishbuild.runner.git_access import GitAccess
from publishbuild.runner.logs import LogTail, make_log
from publishbuild.runner.redact import Redactor
from tests.support.git_hosts import served

if TYPE_CHECKING:
    from collections.abc import Callable

BASE = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
WHO = {f"GIT_{role}_{what}": "t@example.invalid" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def git(folder: Path, *arguments: str) -> str:
    environment = {**BASE, **WHO, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(("git", *arguments), cwd=folder, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A repository with two commits on main, a tag on the first and a branch of its own for the second."""
    folder = tmp_path / "origin"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    for number in ("one", "two"):
        (folder / "file").write_text(number)
        git(folder, "add", "file")
        git(folder, "commit", "-q", "-m", number)
        if number == "one":
            git(folder, "tag", "-a", "v1", "-m", "v1")
            git(folder, "branch", "old")
    return folder


@pytest.fixture
def clone(tmp_path: Path) -> Callable[..., Clone]:
    def make(url: str, secret: Path | None = None) -> Clone:
        access = GitAccess.prepare(BASE, url, secret, tmp_path / "private")
        return Clone(tmp_path / "clone", access, make_log(Redactor(set()), LogTail()))

    return make


@pytest.mark.parametrize(
    ("revision", "content"),
    [("HEAD", "two"), ("main", "two"), ("old", "one"), ("v1", "one"), ("refs/heads/old", "one")],
)
def test_a_name_is_checked_out_and_resolved(
    origin: Path, clone: Callable[..., Clone], revision: str, content: str
) -> None:
    """Branch, tag, HEAD and full names give the files and the commit's full SHA."""
    url = origin.as_uri()
    made = clone(url)
    commit = made.fetch(url, revision)
    assert commit == git(origin, "rev-parse", f"{revision}^{{commit}}")
    assert (made.folder / "file").read_text() == content


@pytest.mark.parametrize("protocol", ["0", "2"])
def test_submodules_come_with_it_also_where_single_commits_are_refused(
    origin: Path, clone: Callable[..., Clone], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    """A submodule is at the commit that the source names, although no branch is there any more (0: an old server)."""
    git(origin, "branch", "-D", "old")
    git(origin, "tag", "-d", "v1")
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "-q", "-b", "main")
    (tmp_path / ".gitconfig").write_text(f"[protocol]\nversion = {protocol}\n")
    monkeypatch.setitem(BASE, "HOME", str(tmp_path))
    made = clone(outer.as_uri())
    with served(tmp_path) as host:
        git(outer, "submodule", "--quiet", "add", f"{host}/origin/.git", "inner")
        git(outer / "inner", "checkout", "-q", "main~1")
        git(outer, "add", "inner")
        git(outer, "commit", "-q", "-m", "with a submodule")
        made.fetch(outer.as_uri(), "main")
    assert (made.folder / "inner" / "file").read_text() == "one"


def test_large_files_without_git_lfs_are_no_silent_pointers(
    origin: Path, clone: Callable[..., Clone], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source with Git LFS in an image without it fails at once and says what is missing."""
    (origin / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    (origin / "big.bin").write_text("version https://git-lfs.github.com/spec/v1\n")
    git(origin, "-c", "filter.lfs.clean=cat", "add", ".")
    git(origin, "commit", "-q", "-m", "large")
    # A git without git-lfs, wherever this host may have one.
    empty = tmp_path / "exec"
    empty.mkdir()
    (empty / "git-lfs").write_text("#!/bin/sh\nexit 1\n")
    (empty / "git-lfs").chmod(0o755)
    monkeypatch.setitem(BASE, "PATH", f"{empty}:{BASE['PATH']}")
    with pytest.raises(AttemptFailed, match="git-lfs") as caught:
        clone(origin.as_uri()).fetch(origin.as_uri(), "main")
    assert (caught.value.failure.reason, caught.value.failure.retryable) == ("ProgramMissing", False)


@pytest.mark.parametrize("length", [40, 10])
def test_a_sha_is_checked_out_also_when_short_or_no_branchs_tip(
    origin: Path, clone: Callable[..., Clone], length: int
) -> None:
    """A SHA is exact: an older commit is built although main has moved on."""
    first = git(origin, "rev-parse", "main~1")
    made = clone(origin.as_uri())
    assert made.fetch(origin.as_uri(), first[:length]) == first
    assert (made.folder / "file").read_text() == "one"


def test_a_second_attempt_starts_from_an_empty_folder(origin: Path, clone: Callable[..., Clone]) -> None:
    """What an earlier attempt left in the folder is gone."""
    made = clone(origin.as_uri())
    made.fetch(origin.as_uri(), "main")
    (made.folder / "left").write_text("over")
    made.fetch(origin.as_uri(), "main")
    assert not (made.folder / "left").exists()


@pytest.mark.parametrize("protocol", ["0", "2"])
def test_an_earlier_commit_can_be_gone_back_to(
    origin: Path, clone: Callable[..., Clone], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    """After a shallow fetch of main, a commit that an earlier attempt built is reachable (0: an old server)."""
    git(origin, "branch", "-D", "old")
    git(origin, "tag", "-d", "v1")
    (tmp_path / ".gitconfig").write_text(f"[protocol]\nversion = {protocol}\n")
    monkeypatch.setitem(BASE, "HOME", str(tmp_path))
    made = clone(origin.as_uri())
    made.fetch(origin.as_uri(), "main")
    first = git(origin, "rev-parse", "main~1")
    assert made.checkout(first) == first
    assert (made.folder / "file").read_text() == "one"


@pytest.mark.parametrize(
    ("revision", "reason"), [("nope", "SourceRevisionNotFound"), ("d" * 40, "SourceRevisionNotFound")]
)
def test_a_revision_that_is_not_there_is_not_worth_a_retry(
    origin: Path, clone: Callable[..., Clone], revision: str, reason: str
) -> None:
    """A typing error in the revision fails at once and says so."""
    with pytest.raises(AttemptFailed) as caught:
        clone(origin.as_uri()).fetch(origin.as_uri(), revision)
    assert caught.value.failure.reason == reason
    assert not caught.value.failure.retryable


def test_a_repository_that_is_not_there_is_not_worth_a_retry(tmp_path: Path, clone: Callable[..., Clone]) -> None:
    """A wrong URL fails at once."""
    url = (tmp_path / "nowhere").as_uri()
    with pytest.raises(AttemptFailed) as caught:
        clone(url).fetch(url, "main")
    assert caught.value.failure.reason == "SourceNotFound"


def make_secret(folder: Path, **keys: str) -> Path:
    folder.mkdir()
    for name, value in keys.items():
        (folder / name.replace("_", "-" if name == "ssh_privatekey" else "_")).write_text(value)
    return folder


def test_a_basic_auth_password_is_in_no_argument_and_no_variable(tmp_path: Path) -> None:
    """A helper gives it to git; only the folder's name is in the environment."""
    secret = make_secret(tmp_path / "secret", username="bob", password="canary-pw")
    access = GitAccess.prepare(BASE, "https://h.example:8443/a.git", secret, tmp_path / "private")
    assert "canary-pw" not in str(access.environment)
    assert "canary-pw" not in (tmp_path / "private" / "askpass").read_text()


def test_ssh_checks_the_host_and_keeps_the_key_to_itself(tmp_path: Path) -> None:
    """Host keys are checked strictly, and the key's copy can be read by its owner alone."""
    secret = make_secret(tmp_path / "secret", ssh_privatekey="KEY", known_hosts="h ssh-ed25519 AAAA")
    access = GitAccess.prepare(BASE, "ssh://git@h/a.git", secret, tmp_path / "private")
    command = access.environment["GIT_SSH_COMMAND"]
    assert "StrictHostKeyChecking=yes" in command
    assert "KEY" not in command.replace("HostKey", "")
    key = tmp_path / "private" / "ssh-privatekey"
    assert key.read_text() == "KEY\n"
    assert key.stat().st_mode & 0o777 == 0o600


def test_ssh_without_known_hosts_says_what_is_missing(tmp_path: Path) -> None:
    """A Secret without known_hosts is refused: the first host that answers is not to be trusted."""
    secret = make_secret(tmp_path / "secret", ssh_privatekey="KEY")
    with pytest.raises(AttemptFailed, match="known_hosts"):
        GitAccess.prepare(BASE, "ssh://git@h/a.git", secret, tmp_path / "private")


def test_a_secret_with_neither_says_what_is_missing(tmp_path: Path) -> None:
    """A Secret of another kind gives a sentence, not a prompt that nobody can answer."""
    secret = make_secret(tmp_path / "secret", token="x")
    with pytest.raises(AttemptFailed, match="username"):
        GitAccess.prepare(BASE, "https://h/a.git", secret, tmp_path / "private")
