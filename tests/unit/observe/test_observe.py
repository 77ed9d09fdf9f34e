"""What the operator shows of itself: one line and one count for each outcome, endpoints that tell the truth."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from publishbuild.cli.reasons.table import ATTEMPT_FAILED, ENDED
from publishbuild.decide.next_actions import next_actions
from publishbuild.models.status import FailedAttempt, PublishBuildStatus
from publishbuild.observe.answer import NOT_LEADING, Answer
from publishbuild.observe.endpoints import endpoints
from publishbuild.observe.http import HttpServer, ListenError
from publishbuild.observe.logs import set_up_logs
from publishbuild.observe.metrics import Metrics
from publishbuild.observe.outcomes import _LABELS, Outcomes
from tests.builders import Object, a_build, a_job, a_message, a_pod, at, facts, reported, with_status
from tests.support.hostile_texts import HOSTILE, MARK, unsafe

OUR_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
FAILED_POD = a_pod(1, exit_code=1, message=a_message(failure=("SourceFailed", "no such host")))


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def value(metrics: Metrics, name: str, **labels: str) -> float:
    return metrics.registry.get_sample_value(f"publishbuild_{name}", labels) or 0.0


def written(before: Object, **given: Any) -> PublishBuildStatus:
    status = reported(next_actions(facts(before, **given)))
    assert status is not None
    return status


def _fail(words: str) -> None:
    raise ValueError(words)


class _Odd:
    """A fact that is no text, and has others' words in it."""

    def __init__(self, words: str) -> None:
        self._words = words

    def __repr__(self) -> str:
        return self._words


def a_life(outcomes: Outcomes, *looks: dict[str, Any], **spec: Any) -> None:
    """Tell ``outcomes`` of each status of a build that is looked at so."""
    build = a_build(**spec)
    for look in looks:
        before = PublishBuildStatus.model_validate(build.get("status") or {})
        after = written(build, **look)
        outcomes.status_written("shop", "app-1", before, after)
        build = with_status(build, after)


class TestOutcomes:
    def test_a_published_build(self, metrics: Metrics) -> None:
        """Launch, failed attempt and completion are each one line and one count."""
        with capture_logs() as logs:
            a_life(
                Outcomes(metrics, lambda: at(5)),
                {"now": at(1)},
                {"now": at(5), "job": a_job(started=at(5))},
                {"now": at(6), "job": a_job(started=at(5)), "pods": [FAILED_POD]},
                {
                    "now": at(60),
                    "job": a_job(started=at(5), complete=True, ended=at(65)),
                    "pods": [FAILED_POD, a_pod(2, exit_code=0, message=a_message(ids="1"))],
                },
            )
        assert [entry["event"] for entry in logs] == ["build launched", "attempt failed", "build completed"]
        assert all((entry["namespace"], entry["build"]) == ("shop", "app-1") for entry in logs)
        assert value(metrics, "finished_total", namespace="shop", outcome="Succeeded", reason="Succeeded") == 1
        assert value(metrics, "attempts_failed_total", reason="SourceFailed") == 1
        assert (value(metrics, "wait_seconds_sum"), value(metrics, "run_seconds_sum")) == (5, 60)

    @pytest.mark.parametrize(
        ("spec", "look", "line", "outcome", "reason"),
        [
            pytest.param({}, {"job": a_job(failed="JobFailed")}, "build failed", "Failed", "JobFailed", id="failed"),
            pytest.param({"cancel": True}, {}, "build cancelled", "Cancelled", "Cancelled", id="cancelled"),
            pytest.param({"spec": {}}, {}, "build failed", "Failed", "InvalidSpec", id="invalid"),
        ],
    )
    def test_a_build_that_was_not_published(
        self, metrics: Metrics, spec: dict[str, Any], look: dict[str, Any], line: str, outcome: str, reason: str
    ) -> None:
        """Failure and cancellation are told apart, in the log and in the count."""
        with capture_logs() as logs:
            a_life(Outcomes(metrics, lambda: at(5)), look, **spec)
        assert logs[-1]["event"] == line
        assert value(metrics, "finished_total", namespace="shop", outcome=outcome, reason=reason) == 1

    def test_made_up_reasons_crowd_out_nobodys(self, metrics: Metrics) -> None:
        """A thousand invented reasons, however long, share one label, and a known one is counted as ever."""
        outcomes = Outcomes(metrics, lambda: at(5))
        before = PublishBuildStatus()
        made_up = [FailedAttempt(number=1, pod="p", reason=f"{'x' * 4000}{number}") for number in range(1000)]
        known = [FailedAttempt(number=1, pod="p", reason=str(word)) for word in ("OOMKilled", "SourceAuthFailed")]
        for attempt in [*made_up, *known]:
            outcomes.status_written("shop", "app-1", before, PublishBuildStatus(failed_attempts=[attempt]))
        found = re.findall(rb'^publishbuild_attempts_failed_total{reason="(\w+)"} (\S+)$', metrics.text(), re.MULTILINE)
        assert dict(found) == {b"Other": b"1000.0", b"OOMKilled": b"1.0", b"SourceAuthFailed": b"1.0"}

    def test_each_documented_reason_has_a_label(self) -> None:
        """Whatever `publishbuild why` explains of an attempt or an end is counted under its own word."""
        assert {*ATTEMPT_FAILED, *ENDED} <= _LABELS

    def test_an_error_of_the_operator(self, metrics: Metrics) -> None:
        """A look that failed is the operator's error, with the pause until the next one."""
        with capture_logs() as logs:
            Outcomes(metrics, lambda: at(5)).on_error("uid-1", TimeoutError("no answer"), 0.123456)
        assert logs[0]["error"] == "TimeoutError: no answer"
        assert logs[0]["retry_seconds"] == 0.12
        assert value(metrics, "reconcile_errors_total") == 1


class TestMetrics:
    def test_every_metric_of_the_contract(self, metrics: Metrics) -> None:
        """Dashboards depend on these names."""
        metrics.show_queue(lambda: {("shop", "Waiting"): 3}, lambda: {"shop": 2})
        metrics.count_request("get", "jobs", "200")
        text = metrics.text().decode()
        for name in (
            "queue_depth", "running", "wait_seconds", "run_seconds", "finished_total", "attempts_failed_total",
            "reconcile_seconds", "reconcile_errors_total", "api_requests_total", "redis_up",
        ):  # fmt: skip
            assert f"# HELP publishbuild_{name}" in text or f"# TYPE publishbuild_{name}" in text, name
        assert 'publishbuild_queue_depth{namespace="shop",reason="Waiting"} 3.0' in text
        assert 'publishbuild_running{namespace="shop"} 2.0' in text
        assert 'publishbuild_api_requests_total{code="200",resource="jobs",verb="get"} 1.0' in text

    def test_two_operators_do_not_share(self) -> None:
        """Each has a registry of its own."""
        one, other = Metrics(), Metrics()
        one.reconcile_errors.inc()
        assert value(other, "reconcile_errors_total") == 0


class Health:
    """What the service would say."""

    def __init__(self) -> None:
        self.wrong: str | None = None
        self.missing: str | None = None
        self.known = Answer(200, '{"waiting":[]}')

    def unhealthy(self) -> str | None:
        return self.wrong

    def unready(self) -> str | None:
        return self.missing

    def queue(self) -> Answer:
        return self.known


class TestHttp:
    @pytest.mark.parametrize(
        ("wrong", "missing", "path", "code", "text"),
        [
            pytest.param(None, None, "/healthz", 200, "ok\n", id="healthy"),
            pytest.param("silent for 130 s", None, "/healthz", 503, "silent for 130 s\n", id="unhealthy"),
            pytest.param(None, None, "/readyz", 200, "ok\n", id="ready"),
            pytest.param(None, "not synced", "/readyz", 503, "not synced\n", id="not ready"),
            pytest.param(None, "not synced", "/healthz", 200, "ok\n", id="a start is not ill"),
        ],
    )
    async def test_probes(
        self, metrics: Metrics, wrong: str | None, missing: str | None, path: str, code: int, text: str
    ) -> None:
        """A probe says 200, or 503 with what is wrong."""
        health = Health()
        health.wrong, health.missing = wrong, missing
        async with TestClient(TestServer(endpoints(health, metrics))) as client:
            answer = await client.get(path)
            assert (answer.status, await answer.text()) == (code, text)

    async def test_queue_and_metrics(self, metrics: Metrics) -> None:
        """The exact order is JSON, the metrics are Prometheus's text."""
        async with TestClient(TestServer(endpoints(Health(), metrics))) as client:
            assert await (await client.get("/v1/queue")).json() == {"waiting": []}
            answer = await client.get("/metrics")
            assert answer.content_type == "text/plain"
            assert "publishbuild_redis_up" in await answer.text()
            assert (await client.get("/")).status == 404

    async def test_any_free_port(self, metrics: Metrics) -> None:
        """Port 0 takes a free one and tells which."""
        server = HttpServer(endpoints(Health(), metrics), 0, setting="A_PORT")
        await server.start()
        assert server.port > 0
        await server.stop()

    async def test_a_taken_port_is_named(self, metrics: Metrics) -> None:
        """A port that somebody else listens on is refused with its setting, its number and why."""
        first = HttpServer(endpoints(Health(), metrics), 0, setting="A_PORT")
        await first.start()
        second = HttpServer(endpoints(Health(), metrics), first.port, setting="A_PORT")
        with pytest.raises(ListenError, match=rf"^A_PORT {first.port}: .*in use"):
            await second.start()
        await second.stop()
        await first.stop()

    async def test_a_standby_says_that_it_does_not_know_the_queue(self, metrics: Metrics) -> None:
        """Where the queue is not known it is 503 and a line of text, never an empty queue."""
        health = Health()
        health.known = NOT_LEADING
        async with TestClient(TestServer(endpoints(health, metrics))) as client:
            answer = await client.get("/v1/queue")
            assert (answer.status, answer.content_type) == (503, "text/plain")
            assert "does not lead" in await answer.text()


class TestLogs:
    @pytest.fixture(autouse=True)
    def restored(self) -> Iterator[None]:
        """Logging as it was before."""
        root, before = logging.getLogger(), logging.getLogger().handlers
        level, names = root.level, ("kopf", "kopf._core.reactor.running", "aiohttp.access", "asyncio")
        levels = {name: logging.getLogger(name).level for name in names}
        yield
        root.handlers = before
        root.setLevel(level)
        for name, old in levels.items():
            logging.getLogger(name).setLevel(old)
        structlog.reset_defaults()

    def test_each_line_is_one_json_object(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Our lines and those of libraries have time, level and event first, whatever they hold."""
        set_up_logs("info", "json")
        structlog.get_logger("ours").info("two\nlines", value={"a": object}, build="app-1")
        logging.getLogger("library").warning("said %s", "this")
        structlog.get_logger("ours").debug("not shown")
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [line["event"] for line in lines] == ["two\nlines", "said this"]
        assert all(list(line)[:3] == ["time", "level", "event"] for line in lines)
        assert lines[0]["build"] == "app-1"

    def test_an_exception_stays_on_its_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A traceback is a field of the JSON object and not further lines."""
        set_up_logs("info", "json")
        try:
            int("boom")
        except ValueError:
            logging.getLogger("library").exception("failed")
        (line,) = capsys.readouterr().out.splitlines()
        assert json.loads(line)["event"] == "failed"

    def test_console(self, capsys: pytest.CaptureFixture[str]) -> None:
        """For people, a line is text."""
        set_up_logs("info", "console")
        structlog.get_logger("ours").info("hello", build="app-1")
        assert "hello" in capsys.readouterr().out

    @pytest.mark.parametrize("form", ["console", "json"])
    def test_no_text_is_more_than_text(self, form: str, capsys: pytest.CaptureFixture[str]) -> None:
        """What an event, its facts or an exception quote of a build is shown, and forges no other event."""
        set_up_logs("info", form)
        words = " and ".join(HOSTILE.values())
        structlog.get_logger("ours").warning(words, message=words, deep={words: [words]}, other=_Odd(words))
        for name in ("ours", "library"):
            try:
                _fail(words)
            except ValueError:
                structlog.get_logger(name).exception("failed")
                logging.getLogger(name).exception(words)
        written = capsys.readouterr().out
        assert MARK in written
        assert unsafe(OUR_COLOURS.sub("", written)) == []
        begun = [line for line in written.split("\n") if line and not line.startswith(" ")]
        assert len(begun) == 5
