"""Which program holds what is wanted, such as a port, as far as the kernel tells this user."""

import os
from contextlib import suppress
from pathlib import Path

from hack.prepare.surroundings import user_name

PROC = Path("/proc")
_LISTENS = "0A"


def program_on(port: int) -> str:
    """``redis-server (pid 12)``, or ``a program of the user postgres``; empty where there is no /proc to tell."""
    for inode, uid in _sockets(port):
        pid = _owner(inode)
        if pid is None:
            return f"a program of the user {user_name(uid)}"
        return program(pid)
    return ""


def program(pid: int) -> str:
    """A process as a person may look for it: its name and its pid."""
    name = ""
    with suppress(OSError):
        name = (PROC / str(pid) / "comm").read_text(encoding="utf-8", errors="replace").strip()
    # A program chooses its own name: 15 bytes of anything.
    return f"{''.join(sign if sign.isprintable() else '?' for sign in name) or 'a program'} (pid {pid})"


def _sockets(port: int) -> list[tuple[str, int]]:
    """Of each socket that listens on the port: its inode, and the number of the user that opened it."""
    found = []
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            rows = (line.split() for line in (PROC / "net" / table).read_text(encoding="ascii").splitlines()[1:])
            found += [
                (row[9], int(row[7]))
                for row in rows
                if row[3] == _LISTENS and int(row[1].rpartition(":")[2], 16) == port
            ]
    return found


def _owner(inode: str) -> int | None:
    """The process that has the socket; None where it is another user's, into which only root may look."""
    for folder in PROC.glob("[0-9]*/fd"):
        with suppress(OSError):
            if any(_is_socket(folder / name, inode) for name in os.listdir(folder)):  # noqa: PTH208  # names alone
                return int(folder.parent.name)
    return None


def _is_socket(descriptor: Path, inode: str) -> bool:
    with suppress(OSError):
        return str(descriptor.readlink()) == f"socket:[{inode}]"
    return False
