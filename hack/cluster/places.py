"""Where everything lies: the sources, the cache that outlives clusters, and one cluster's state.

The cache holds what takes long to make and is keyed by what it was made from. A state folder
holds one cluster and is emptied by `down`; it may contain other clusters' state folders, which
is why the entries that belong to a cluster are listed here by name instead of being "all".
"""

import hashlib
import os
import re
import shlex
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hack.cluster import trust
from hack.prepare.surroundings import cache_folder, user_name

SOURCES = Path(__file__).resolve().parent
REPOSITORY = trust.REPOSITORY
DEFAULT_STATE = REPOSITORY / ".cluster"
BIN = DEFAULT_STATE / "bin"
"""Programs for people, kept across `down`: kubectl, helm, kwok and the cluster's parts."""

LONGEST_STATE_PATH = 70
"""Unix sockets lie below the state folder, and a socket's whole path has to fit in 107 bytes."""
UNFIT = '"\\,:{}'
"""Characters that mean something in the parts' configuration files and flags, or in mount options."""


class ClusterError(Exception):
    """Something that its reader can mend; shown as one line, without a traceback."""


def cache() -> Path:
    """The folder for what takes long to make, where the desktop standard puts such things."""
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def unescaped(field: bytes) -> str:
    """A field of a file such as /proc/mounts, which writes spaces and the like as octal numbers."""
    return os.fsdecode(re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8) & 255]), field))


@dataclass(frozen=True)
class State:
    """The folder of one cluster. Its files are readable by their owner alone."""

    root: Path

    OWN = (
        "kubeconfig",
        "redis-url",
        "redis-url-in-cluster",
        "host-address",
        "loaded.json",
        "pids",
        "pki",
        "conf",
        "logs",
        "etcd",
        "redis",
        "containerd",
        "kubelet",
        "cni-addresses",
        "pod-logs",
        "volume-plugins",
    )
    """What `up` writes and `down` removes; anything else in the folder is somebody else's."""

    @classmethod
    def at(cls, path: Path) -> "State":
        """The state folder at a path, which need not exist yet."""
        root = path.absolute().resolve()
        if odd := sorted({sign for sign in str(root) if sign in UNFIT or not sign.isprintable()}):
            raise ClusterError(
                f"the state folder's path {str(root)!r} has {' '.join(map(repr, odd))} in it, which the parts' "
                "configuration files cannot hold; allowed is all that is printed, but for "
                f"{' '.join(UNFIT)}; choose another with --state"
            )
        if (long := len(os.fsencode(root))) > LONGEST_STATE_PATH:
            raise ClusterError(
                f"the state folder's path is too long for the sockets below it: {root} has {long} "
                f"bytes, at most {LONGEST_STATE_PATH} fit; choose a shorter one with --state"
            )
        if root.exists() and (found := root.stat()).st_uid not in trust.owners():
            raise ClusterError(
                f"the state folder {root} belongs to another user, {user_name(found.st_uid)}: that user would "
                "say which processes end with it; choose one of your own with --state"
            )
        return cls(root)

    def __truediv__(self, name: str) -> Path:
        return self.root / name

    @property
    def key(self) -> str:
        """A short name for this folder among those of the same user."""
        return hashlib.sha256(str(self.root).encode()).hexdigest()[:12]

    def strangers(self) -> list[str]:
        """What already has one of our names in a folder that no cluster is in: it must not be removed later."""
        return [name for name in self.OWN if (self / name).exists()]

    def make(self) -> None:
        """Make the folders that every cluster needs, closed to other users.

        Raises:
            ClusterError: one is there already, and is another user's.
        """
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        # It holds programs for people, too, and may stay open to readers.
        trust.close(self.root, 0o755)
        for name in ("pids", "pki", "conf", "logs"):
            (self / name).mkdir(mode=0o700, exist_ok=True)
            trust.close(self / name, 0o700)
            if not trust.is_trusted(self / name):
                raise ClusterError(
                    f"{self / name} was laid there by another user; remove it, or choose another --state"
                )

    @property
    def socket(self) -> Path:
        """Where containerd listens."""
        return self / "containerd" / "containerd.sock"


def down_command(state: "State") -> str:
    """The command that ends a cluster, to be pasted where this one was given."""
    python = os.path.relpath(sys.executable)
    return shlex.join([python, "-m", "hack.cluster", "down", "--state", str(state.root)])


def write_private(path: Path, text: str) -> Path:
    """Write a file that only its owner may read; readers see the old text or the new, never half.

    Raises:
        OSError: it cannot be written; the error names the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.unlink(missing_ok=True)  # of a run that was killed, or laid there by somebody else
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        fresh.replace(path)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error
    return path
