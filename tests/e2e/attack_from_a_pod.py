"""What a build's pod tries against its surroundings; prints one JSON object of what each attempt came to.

Runs in the runner's image as `python -c`, with the arguments Redis's host, the callback URL of another build, and where
the operator has its metrics.
"""

import json
import os
import pathlib
import socket
import ssl
import sys
import time
import urllib.error
import urllib.request


def http(url: str, *, body: bytes | None = None, token: str = "") -> str:
    """The status of one request; a standby's 503 is asked again, as the runner does."""
    deadline = time.monotonic() + 30
    while (status := _once(url, body, token)) == "503" and time.monotonic() < deadline:
        time.sleep(0.5)
    return status


def _once(url: str, body: bytes | None, token: str) -> str:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310  # http and https, from below
    trust = ssl._create_unverified_context()  # noqa: S323  # an attacker does not care whom it talks to
    try:
        with urllib.request.urlopen(request, timeout=10, context=trust) as answer:  # noqa: S310
            return str(answer.status)
    except urllib.error.HTTPError as error:
        return str(error.code)
    except OSError as error:
        return type(error).__name__


def talk(host: str, port: int, text: str) -> str:
    """The first line that a server answers."""
    with socket.create_connection((host, port), timeout=10) as connection:
        connection.sendall(text.encode())
        return connection.recv(4096).decode(errors="replace").splitlines()[0]


def become_root() -> str:
    """Whether this process may take another user's id."""
    try:
        os.setuid(0)
    except PermissionError:
        return "refused"
    return "root"


def capabilities() -> str:
    """The capabilities that the process may ever have, in hex."""
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith("CapBnd"))


def fields_of_the_queue(url: str) -> str:
    """The names of all fields that the queue tells, those of a waiting build by commas."""
    http(url)  # until it is no standby that answers
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310
        queue = json.load(answer)
    in_line = {",".join(build) for build in queue.pop("waiting")}
    return " ".join(sorted([*queue, *in_line]))


def main(redis: str, victim: str, metrics: str) -> dict[str, str]:
    """Each attempt and its outcome."""
    own = os.environ["PUBLISHBUILD_CALLBACK_URL"]
    shown = pathlib.Path(os.environ["PUBLISHBUILD_CALLBACK_TOKEN_FILE"]).read_text()
    operator = own.split("/v1/")[0]
    host, port = operator.removeprefix("http://").split(":")
    report = b'{"stage": "clone"}'
    api = "https://kubernetes.default.svc"
    return {
        "token": str(pathlib.Path("/var/run/secrets/kubernetes.io").exists()),
        "root": become_root(),
        "capabilities": capabilities(),
        "api-secrets": http(f"{api}/api/v1/secrets"),
        "api-builds": http(f"{api}/apis/publishbuild.dev/v1alpha1/publishbuilds"),
        "callback-at-api": http(f"{api}/version", token=shown),
        "callback-own": http(own, body=b'{"message": "here"}', token=shown),
        "redis-open": talk(redis, 6379, "KEYS *\r\n"),
        "redis-default": talk(redis, 6379, "AUTH default guess\r\n"),
        "callback-victim": http(victim, body=report, token=shown),
        "callback-no-token": http(own, body=report),
        "stop-victim": http(f"{victim}/stop", token=shown),
        "stop-no-token": http(f"{own}/stop"),
        "callback-huge": http(own, body=b"x" * 100_000, token=shown),
        "callback-junk": http(own, body=b'{"stage": ', token=shown),
        "traversal": talk(host, int(port), "GET /v1/builds/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n").split()[1],
        "callback-metrics": http(f"{operator}/metrics"),
        "callback-queue": http(f"{operator}/v1/queue"),
        "metrics": http(f"{metrics}/metrics"),
        "queue": fields_of_the_queue(f"{metrics}/v1/queue"),
        "shell": os.environ.get("INJECTED", ""),
        "own-uid": os.environ["PUBLISHBUILD_UID"],
    }


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))  # noqa: T201  # read by the test from the log
