"""What an attempt tells the operator and asks it, and that neither is ever in its way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from publishbuild.runner.callback import Callback
from tests.support.callback_server import TOKEN, CallbackServer
from tests.support.ports import free_port
from tests.support.waiting import until


@pytest.fixture
def server() -> Iterator[CallbackServer]:
    with CallbackServer() as running:
        yield running


@pytest.fixture
def callback(server: CallbackServer) -> Callback:
    return Callback.from_environment(server.environment)


def ask(callback: Callback, *, seconds: float = 20, sure_after: float = 0.05) -> str | None:
    return callback.stop_reason(seconds, sure_after, pause=0.01)


class TestStop:
    def test_a_reason_is_believed_at_once(self, server: CallbackServer, callback: Callback) -> None:
        """A build that was cancelled is stopped for good."""
        server.reasons = ["stopped by spec.cancel"]
        assert ask(callback, sure_after=60) == "stopped by spec.cancel"

    def test_no_reason_is_a_drain(self, callback: Callback) -> None:
        """Where the operator knows of no reason, a later attempt goes on."""
        assert ask(callback) is None

    def test_the_reason_may_reach_the_operator_after_the_pod(self, server: CallbackServer, callback: Callback) -> None:
        """That there is no reason is not believed at the first word."""
        server.reasons = ["", "", "the build was deleted"]
        assert ask(callback, sure_after=20) == "the build was deleted"

    def test_an_operator_that_starts_is_asked_again(self, server: CallbackServer, callback: Callback) -> None:
        """A 503 is no answer."""
        server.reasons = [None, None, None, "stopped by spec.cancel"]
        assert ask(callback, sure_after=0) == "stopped by spec.cancel"

    def test_nobody_there_is_a_drain(self) -> None:
        """Where nobody answers, nothing is cancelled, and the wait is bounded."""
        url = f"http://127.0.0.1:{free_port()}/v1/builds/uid"
        assert ask(Callback(url, TOKEN, on_term=False), seconds=0.1) is None

    def test_without_a_url_nobody_is_asked(self) -> None:
        """A runner that has no operator does not wait at all."""
        assert Callback.from_environment({}).stop_reason() is None

    @pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/x", "operator:8080"])
    def test_only_http_is_spoken(self, url: str) -> None:
        """Whatever else stands in the variable is not opened."""
        assert Callback.from_environment({"PUBLISHBUILD_CALLBACK_URL": url}).url == ""

    @pytest.mark.parametrize(("value", "expected"), [("true", True), ("True", True), ("false", False), ("", False)])
    def test_by_hand_sigterm_alone_can_be_made_to_cancel(self, value: str, expected: bool) -> None:
        """PUBLISHBUILD_CANCEL_ON_TERM=true, for running without Kubernetes."""
        made = Callback.from_environment({"PUBLISHBUILD_CANCEL_ON_TERM": value})
        assert (made.stop_reason() is not None) is expected


class TestTell:
    def test_a_report_arrives_with_the_token(self, server: CallbackServer, callback: Callback) -> None:
        """What is told reaches the operator."""
        callback.tell("one")
        until(lambda: server.reports, seconds=20, what="the report")
        assert server.reports == ["one"]
        assert server.tokens == {f"Bearer {TOKEN}"}

    def test_the_token_of_a_file_is_read_anew(self, server: CallbackServer, tmp_path: Path) -> None:
        """What the kubelet has written last is shown; a file that is not there yet keeps nobody from the work."""
        file = tmp_path / "token"
        callback = Callback.from_environment(server.environment | {"PUBLISHBUILD_CALLBACK_TOKEN_FILE": str(file)})
        for number, shown in enumerate(("", "first", "second")):
            if shown:
                file.write_text(f"{shown}\n")
            callback.tell(str(number))
            until(lambda number=number: str(number) in server.reports, seconds=20, what="the report")  # type: ignore[misc]
        assert server.tokens == {"Bearer ", "Bearer first", "Bearer second"}

    def test_a_standby_is_asked_again(self, server: CallbackServer, callback: Callback) -> None:
        """A report that was sent away is sent again, and the newest one is what counts."""
        server.refusals = 1
        callback.tell("one")
        callback.tell("two")
        until(lambda: "two" in server.reports, seconds=20, what="the newest report")

    def test_an_operator_that_hangs_is_not_waited_for(self) -> None:
        """Telling costs the attempt nothing, whoever is or is not there."""
        callback = Callback(f"http://127.0.0.1:{free_port()}/v1/builds/uid", TOKEN, on_term=False)
        started = time.monotonic()
        for number in range(1000):
            callback.tell(str(number))
        assert time.monotonic() - started < 5
        Callback.from_environment({}).tell("nowhere")
