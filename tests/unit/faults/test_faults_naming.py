"""The fault proxies' naming: each request of the operator is recognized as the point that it is."""

from __future__ import annotations

import pytest

from tests.faults.naming import WRITES, Named, name_command, name_request
from tests.faults.resp import Resp, words

BUILDS = "/apis/publishbuild.dev/v1alpha1/namespaces/a/publishbuilds"
JOBS = "/apis/batch/v1/namespaces/a/jobs"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/a/leases"


@pytest.mark.parametrize(
    ("verb", "path", "body", "named"),
    [
        ("POST", JOBS, {"metadata": {"name": "pb-my-app-0123abcd"}}, Named("create job", "a", "my-app")),
        ("DELETE", f"{JOBS}/pb-app-0123abcd", None, Named("delete job", "a", "app")),
        ("PATCH", f"{JOBS}/pb-app-0123abcd", None, Named("set ttl", "a", "app")),
        ("PUT", f"{BUILDS}/app/status", {"metadata": {"name": "app"}}, Named("write status", "a", "app")),
        (
            "POST",
            "/apis/events.k8s.io/v1/namespaces/a/events",
            {"metadata": {"name": "app.1f-queued"}},
            Named("post event", "a", "app"),
        ),
        ("PUT", f"{LEASES}/publishbuild-operator", None, Named("renew lease", "a")),
        ("POST", LEASES, None, Named("renew lease", "a")),
    ],
)
def test_each_write_has_its_name(verb: str, path: str, body: dict[str, object] | None, named: Named) -> None:
    """Every write of the operator is named, with its namespace and the build that it is about."""
    found = name_request(verb, path, {}, body)
    assert found == named
    assert found.is_write
    assert found.point in WRITES


@pytest.mark.parametrize(
    ("path", "query", "point"),
    [
        (BUILDS, {}, "list publishbuilds"),
        (JOBS, {"watch": "true"}, "watch jobs"),
        ("/api/v1/namespaces/a/pods", {"watch": "true"}, "watch pods"),
        ("/api/v1/namespaces/a/pods", {"labelSelector": "x=y"}, "list pods"),
        ("/api/v1/pods", {}, "list pods"),
        (f"{BUILDS}/app", {}, "get publishbuilds"),
        (f"{JOBS}/pb-app-0123abcd", {}, "get jobs"),
        (f"{LEASES}/publishbuild-operator", {}, "get leases"),
        ("/apis", {}, "discover"),
        ("/apis/batch/v1", {}, "discover"),
    ],
)
def test_each_read_has_its_name(path: str, query: dict[str, str], point: str) -> None:
    """Lists, watches and single reads are told apart, and none of them counts as a write."""
    found = name_request("GET", path, query)
    assert found.point == point
    assert not found.is_write


def test_a_write_that_nobody_knows_is_not_overlooked() -> None:
    """A new write of the operator is named as unknown, so that the judge speaks up."""
    found = name_request("PATCH", "/api/v1/namespaces/a/secrets/token", {})
    assert found.is_write
    assert found.point.startswith("unknown write")


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ([b"EVALSHA", b"0123", b"4"], "turn"),
        ([b"eval", b"return 1", b"0"], "turn"),
        ([b"DEL", b"{publishbuild}:epoch", b"{publishbuild}:waiting"], "rebuild"),
        ([b"SET", b"{publishbuild}:epoch", b"e"], "rebuild end"),
        ([b"ZADD", b"{publishbuild}:waiting", b"0", b"m"], ""),
        ([], ""),
    ],
)
def test_redis_commands_have_their_names(command: list[bytes], name: str) -> None:
    """The script is a turn, and what is between the deletion and the writing of the epoch is a rebuild."""
    assert name_command(command) == name


def test_resp_is_read_however_it_is_cut() -> None:
    """Commands and replies are told apart in a stream that comes byte by byte, and no byte is lost."""
    sent = b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n" + b"$-1\r\n" + b"*2\r\n:1\r\n*1\r\n+OK\r\n" + b"-ERR no\r\n"
    stream = Resp()
    found = [one for byte in sent for one in stream.feed(bytes([byte]))]
    assert [value for value, _ in found] == [[b"GET", b"k"], None, [b"1", [b"OK"]], b"ERR no"]
    assert b"".join(raw for _, raw in found) == sent
    assert words(found[0][0]) == [b"GET", b"k"]
