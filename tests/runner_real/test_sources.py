"""Where the source may come from: a real sshd, a git host that asks for a password, a repository with Git LFS."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from publishbuild.runner.failures import AttemptFailed
from publishbuild.runner.git import Clone
from publishbuild.runner.git_access import GitAccess
from publishbuild.runner.logs import LogTail, make_log
from publishbuild.runner.redact import Redactor
from tests.runner_real.attempts import Standins
from tests.runner_real.programs import find_program
from tests.standins.git_server import PRIVATE, REPOSITORY, make_repository
from tests.support.ports import free_port
from tests.support.waiting import until

pytestmark = pytest.mark.integration

# As root, sshd wants a user and a folder of its own: both are given in a mount namespace, the host keeps its own.
AS_ROOT = """
mount --make-rprivate /
{ cat /etc/passwd; echo "sshd:x:65533:65533::/run/sshd:/usr/sbin/nologin"; } > "$1/passwd"
mount --bind "$1/passwd" /etc/passwd
mount -t tmpfs none /run && mkdir -m 755 /run/sshd
shift; exec "$@"
"""


@dataclass(frozen=True)
class SshHost:
    """A running sshd with a repository. ``folder`` holds its key pair and that of its one user."""

    folder: Path
    port: int
    commit: str

    @property
    def url(self) -> str:
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}{self.folder / REPOSITORY}"

    def known_hosts(self, key: str = "host") -> str:
        kind, body, *_ = (self.folder / f"{key}.pub").read_text().split()
        return f"[127.0.0.1]:{self.port} {kind} {body}\n"


@pytest.fixture(scope="module")
def ssh_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshHost]:
    """An sshd of this user on loopback."""
    sshd, needed = find_program("sshd", "openssh-server", "libwrap0")
    folder = tmp_path_factory.mktemp("sshd")
    commit = make_repository(folder)
    for name in ("host", "user", "other"):
        key = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name))
        subprocess.run(key, check=True)
    (folder / "authorized").write_text((folder / "user.pub").read_text())
    port = free_port()
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder / 'host'}\nAuthorizedKeysFile {folder / 'authorized'}\n"
        "StrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\nPasswordAuthentication no\n"
    )
    command = [str(sshd), "-D", "-e", "-f", str(folder / "config")]
    if os.geteuid() == 0:
        command = ["unshare", "--mount", "sh", "-euc", AS_ROOT, "sh", str(folder), *command]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, env={**os.environ, **needed}, stderr=log) as server,
    ):
        try:
            until(lambda: _listens(port) or server.poll() is not None, seconds=20, what="sshd listens")
            if server.poll() is not None:
                pytest.skip(f"sshd does not run here: {(folder / 'log').read_text().strip()}")
            yield SshHost(folder, port, commit)
        finally:
            server.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _clone(folder: Path, url: str, secret: dict[str, str], **environment: str) -> Clone:
    """A clone with a Secret mounted as the kubelet does it."""
    mounted, home = folder / "secret", folder / "home"
    mounted.mkdir()
    home.mkdir()
    for name, value in secret.items():
        (mounted / name).write_text(value)
    base = {"PATH": os.environ["PATH"], "HOME": str(home), **environment}
    access = GitAccess.prepare(base, url, mounted if secret else None, folder / "private")
    return Clone(folder / "clone", access, make_log(Redactor(set()), LogTail()))


def test_ssh_with_the_right_key_and_a_known_host(ssh_host: SshHost, tmp_path: Path) -> None:
    """A Secret with ssh-privatekey and known_hosts brings the source."""
    key = (ssh_host.folder / "user").read_text()
    made = _clone(tmp_path, ssh_host.url, {"ssh-privatekey": key, "known_hosts": ssh_host.known_hosts()})
    assert made.fetch(ssh_host.url, "v1.0.0") == ssh_host.commit
    assert (made.folder / "eas.json").exists()


@pytest.mark.parametrize(
    ("key", "known", "reason"), [("user", "other", "SourceHostKeyUnknown"), ("other", "host", "SourceAuthFailed")]
)
def test_ssh_trusts_no_stranger_and_is_trusted_by_none(
    ssh_host: SshHost, tmp_path: Path, key: str, known: str, reason: str
) -> None:
    """A host with another key than the Secret's is refused, and a key that the host does not know is named."""
    secret = {"ssh-privatekey": (ssh_host.folder / key).read_text(), "known_hosts": ssh_host.known_hosts(known)}
    with pytest.raises(AttemptFailed) as caught:
        _clone(tmp_path, ssh_host.url, secret).fetch(ssh_host.url, "main")
    assert (caught.value.failure.reason, caught.value.failure.retryable) == (reason, False)


@pytest.mark.parametrize(("password", "reason"), [(PRIVATE[1], None), ("wrong-password", "SourceAuthFailed")])
def test_basic_auth_over_https(standins: Standins, tmp_path: Path, password: str, reason: str | None) -> None:
    """A Secret with username and password opens a private repository; a wrong password is not worth a retry."""
    url = f"https://localhost:{standins.https_port}/private/{REPOSITORY}"
    secret = {"username": PRIVATE[0], "password": password}
    made = _clone(tmp_path, url, secret, GIT_SSL_CAINFO=str(standins.certificate))
    if reason is None:
        assert len(made.fetch(url, "main")) == 40
        return
    with pytest.raises(AttemptFailed) as caught:
        made.fetch(url, "main")
    assert (caught.value.failure.reason, caught.value.failure.retryable) == (reason, False)


def test_large_files_come_as_files(tmp_path: Path) -> None:
    """With git-lfs in the image, the working copy and eas-cli's own clone of it hold the files, not their pointers."""
    lfs, _ = find_program("git-lfs", "git-lfs")
    path = f"{lfs.parent}:{os.environ['PATH']}"
    origin, home = tmp_path / "origin", tmp_path / "author"
    for folder in (origin, home):
        folder.mkdir()
    who = {f"GIT_{role}_{what}": "t@example.invalid" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    (origin / "big.bin").write_text("a large file")
    for command in ("init -q -b main", "lfs install", "lfs track *.bin", "add .", "commit -q -m large"):
        environment = {"PATH": path, "HOME": str(home), **who}
        subprocess.run(("git", *command.split()), cwd=origin, env=environment, check=True, capture_output=True)
    made = _clone(tmp_path, origin.as_uri(), {}, PATH=path)
    made.fetch(origin.as_uri(), "main")
    assert (made.folder / "big.bin").read_text() == "a large file"
    environment = {"PATH": path, "HOME": str(tmp_path / "home")}
    clone = ("git", "clone", "-q", "--depth=1", made.folder.as_uri(), str(tmp_path / "upload"))
    subprocess.run(clone, env=environment, check=True, capture_output=True)
    assert (tmp_path / "upload" / "big.bin").read_text() == "a large file"
