"""What `submit` takes from the working copy that the user stands in, tried on real repositories."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from publishbuild.cli.working_copy import WorkingCopyError, origin_url, read_working_copy, url_of


def git(folder: Path, *arguments: str) -> str:
    settings = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
    command = ["git", "-C", str(folder), *settings, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path, file: str, text: str) -> str:
    (folder / file).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", file)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    bare = tmp_path / "origin.git"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(bare))
    return bare


@pytest.fixture
def copy(tmp_path: Path, origin: Path) -> Path:
    """A working copy with an app in a folder, all of it pushed."""
    made = tmp_path / "copy"
    git(tmp_path, "init", "-q", "-b", "main", str(made))
    git(made, "remote", "add", "origin", str(origin))
    (made / "apps" / "shop").mkdir(parents=True)
    commit(made, "apps/shop/app.json", '{"expo": {"name": "The Shop", "slug": "shop"}}')
    git(made, "push", "-q", "origin", "main")
    return made


def test_a_pushed_working_copy_says_all(copy: Path, origin: Path) -> None:
    """URL, commit, the folder that the user is in and the app's slug come from the working copy."""
    found = read_working_copy(copy / "apps" / "shop")
    assert (found.url, found.commit) == (f"file://{origin}", git(copy, "rev-parse", "HEAD"))
    assert (found.path, found.app, found.left_out) == ("apps/shop", "shop", "")
    assert read_working_copy(copy).path == "."


@pytest.mark.parametrize("text", ["no JSON", "[]", '{"expo": []}', "{}"])
def test_an_app_json_that_cannot_be_read_gives_the_folders_name(copy: Path, text: str) -> None:
    """The name falls back to the folder's; whether the app can be built is for the runner to say."""
    commit(copy, "apps/shop/app.json", text)
    git(copy, "push", "-q", "origin", "main")
    assert read_working_copy(copy / "apps" / "shop").app == "shop"


@pytest.mark.parametrize("name", ["apps/shop/app.json", "new-file"])
def test_changes_that_are_not_committed_are_refused(copy: Path, name: str) -> None:
    """Nothing is built silently without what lies in the working copy: files are named, and what to do."""
    (copy / name).write_text("changed")
    with pytest.raises(WorkingCopyError, match=rf"^{name} is not committed: commit and push, or --allow-dirty"):
        read_working_copy(copy)
    head = git(copy, "rev-parse", "HEAD")
    found = read_working_copy(copy, allow_dirty=True)
    assert (found.commit, found.left_out) == (head, "what is not committed (1 file)")


def test_commits_that_are_not_pushed_are_refused(copy: Path) -> None:
    """A commit that the origin does not have cannot be built; --allow-dirty takes the newest one that it has."""
    pushed = git(copy, "rev-parse", "HEAD")
    commit(copy, "a", "1")
    head = commit(copy, "b", "2")
    with pytest.raises(WorkingCopyError, match=f"^{head[:7]} is not on origin: git push"):
        read_working_copy(copy)
    found = read_working_copy(copy, allow_dirty=True)
    assert (found.commit, found.left_out) == (pushed, "2 unpushed commits")


def test_a_copy_of_which_nothing_was_pushed_cannot_be_built(copy: Path, tmp_path: Path) -> None:
    """Where the origin has none of the commits even --allow-dirty has nothing to build."""
    empty = tmp_path / "empty.git"
    git(tmp_path, "init", "-q", "--bare", str(empty))
    git(copy, "remote", "set-url", "origin", str(empty))
    git(copy, "update-ref", "-d", "refs/remotes/origin/main")
    with pytest.raises(WorkingCopyError, match="origin has none of these commits: git push"):
        read_working_copy(copy, allow_dirty=True)


def test_one_commit_as_ci_fetches_it_counts_as_pushed(copy: Path, origin: Path, tmp_path: Path) -> None:
    """A detached HEAD without branches of the origin is taken where the origin says that it has that commit."""
    ci = tmp_path / "ci"
    git(tmp_path, "init", "-q", str(ci))
    git(ci, "remote", "add", "origin", f"file://{origin}")
    git(ci, "fetch", "-q", "--depth", "1", f"file://{origin}", "main")
    git(ci, "checkout", "-q", "--detach", "FETCH_HEAD")
    assert git(ci, "for-each-ref", "refs/remotes") == ""
    assert read_working_copy(ci).commit == git(copy, "rev-parse", "HEAD")


def test_an_origin_that_does_not_answer_is_said(copy: Path, origin: Path) -> None:
    """Where it cannot be asked whether it has the commit, that is what is said."""
    git(copy, "update-ref", "-d", "refs/remotes/origin/main")
    origin.rename(origin.with_name("gone.git"))
    with pytest.raises(WorkingCopyError, match="origin does not answer"):
        read_working_copy(copy)


def test_outside_of_a_working_copy(tmp_path: Path) -> None:
    """Outside of a repository, and in one without commits or origin, one line says what to name instead."""
    with pytest.raises(WorkingCopyError, match="no git working copy here: name --git-url"):
        read_working_copy(tmp_path)
    git(tmp_path, "init", "-q")
    with pytest.raises(WorkingCopyError, match="no remote origin: name --git-url"):
        read_working_copy(tmp_path)
    git(tmp_path, "remote", "add", "origin", "https://git.example/app.git")
    with pytest.raises(WorkingCopyError, match="nothing is committed yet"):
        read_working_copy(tmp_path)


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("git@github.com:acme/app.git", "ssh://git@github.com/acme/app.git"),
        ("git.example:app.git", "ssh://git.example/app.git"),
        ("git@git.example:/srv/app.git", "ssh://git@git.example/srv/app.git"),
        ("ssh://git@git.example:2222/app.git", "ssh://git@git.example:2222/app.git"),
        ("https://git.example/acme/app.git", "https://git.example/acme/app.git"),
        ("/srv/git/app.git", "file:///srv/git/app.git"),
        ("file:///srv/git/app.git", "file:///srv/git/app.git"),
    ],
)
def test_addresses_become_urls(address: str, url: str) -> None:
    """Whatever git takes as an address becomes a URL that a build takes."""
    assert url_of(address) == url


def test_credentials_in_the_origin_are_left_out(copy: Path) -> None:
    """A token that CI left in the origin's URL does not get into a manifest."""
    git(copy, "remote", "set-url", "origin", "https://ci:canary-token@git.example/acme/app.git")
    assert origin_url(copy) == "https://git.example/acme/app.git"
