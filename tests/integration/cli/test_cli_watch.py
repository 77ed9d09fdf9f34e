"""`publishbuild watch`, on a terminal and without one."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from typing import Any

import pytest

from tests.support.api_proxy import ApiProxy
from tests.support.cli import Cli
from tests.support.fixtures import Manifest, StartOperator
from tests.support.kube import Kube
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

ENDS: list[tuple[dict[str, Any], int, str]] = [
    ({"outcome": "succeed"}, 0, "app Succeeded"),
    ({"outcome": "fail", "pod": {"exit-code": 64}}, 2, "app Failed: PodFailurePolicy"),
]


def labelled(manifest: dict[str, Any]) -> dict[str, Any]:
    manifest["metadata"]["labels"] = {"app": "shop"}
    return manifest


def first_line(watching: subprocess.Popen[str]) -> str:
    assert watching.stdout is not None
    return watching.stdout.readline()


@pytest.mark.parametrize(("how", "code", "last"), ENDS, ids=["succeeds", "fails"])
def test_without_a_terminal_each_change_is_a_line(
    cli: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest, how: dict[str, Any], code: int, last: str
) -> None:
    """The lines tell each state once, with its time; the last one is the end, and so is the exit code."""
    kube.apply(manifest("app", **how))
    watching = cli.start("watch", "app")
    assert first_line(watching).endswith("app Created\n")
    start_operator()
    told, said = watching.communicate(timeout=120)
    lines = told.splitlines()
    assert last in lines[-1]
    assert len(set(lines)) == len(lines)
    for line in lines:
        time.strptime(line[:8], "%H:%M:%S")
    assert watching.returncode == code
    assert ("publishbuild why app" in said) == (code == 2)


def test_several_builds_end_together(cli: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest) -> None:
    """Builds that are chosen by label are followed until all have ended; one that failed decides the exit code."""
    start_operator()
    good, bad = labelled(manifest("good")), labelled(manifest("bad", outcome="fail", pod={"exit-code": 64}))
    other = manifest("other", outcome="hold")
    kube.apply(good, bad, other)
    done = cli("watch", "-l", "app=shop")
    assert done.returncode == 2
    assert "good Succeeded" in done.stdout
    assert "bad Failed" in done.stdout
    assert "other" not in done.stdout


def test_a_cancelled_build_is_3_and_a_deleted_one_is_1(
    cli: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest
) -> None:
    """What somebody else does to a build meanwhile is told by the exit code."""
    start_operator()
    kube.apply(manifest("cancelled", outcome="hold"), manifest("deleted", outcome="hold"))
    codes = {}
    for name, end in (("cancelled", lambda name: kube.patch_spec(name, cancel=True)), ("deleted", kube.delete_build)):
        kube.wait_phase(name, "Running")
        watching = cli.start("watch", name)
        assert name in first_line(watching)
        end(name)
        watching.communicate(timeout=120)
        codes[name] = watching.returncode
    assert codes == {"cancelled": 3, "deleted": 1}


def test_too_late_is_4(cli: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest) -> None:
    """A build that goes on for longer than --timeout is left as it is."""
    start_operator()
    kube.apply(manifest("app", outcome="hold"))
    done = cli("watch", "app", "--timeout", "1s")
    assert (done.returncode, done.stderr) == (4, "app has not ended within 1s; it goes on\n")
    kube.wait_phase("app", "Running")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("missing",), '"missing" not found'),
        (("-l", "app=none"), "no builds with the labels app=none"),
        ((), "name builds, or choose them by --selector"),
        (("app", "-l", "app=shop"), "one of the two"),
    ],
)
def test_what_cannot_be_watched_is_told_in_a_line(cli: Cli, arguments: tuple[str, ...], said: str) -> None:
    """A build that is not there, no build at all, and too many ways to choose end with 1 and one line."""
    done = cli("watch", *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert said in done.stderr


def test_ctrl_c_leaves_the_build_alone(cli: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest) -> None:
    """Who leaves is told how to come back, the exit code is 130, and the build goes on."""
    start_operator()
    kube.apply(manifest("app", outcome="hold"))
    kube.wait_phase("app", "Running")
    watching = cli.start("watch", "app")
    assert "app Running" in first_line(watching)
    watching.send_signal(signal.SIGINT)
    _, said = watching.communicate(timeout=120)
    assert watching.returncode == 130
    assert "publishbuild watch app goes on, publishbuild cancel app stops" in said
    assert said.count("\n") == 1
    assert kube.build("app")["status"]["phase"] == "Running"


def test_it_outlives_an_api_server_that_is_away(
    proxy: ApiProxy, proxied: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest
) -> None:
    """A connection that is cut, and refused several times, loses nothing: what happened meanwhile is told after it."""
    start_operator()
    kube.apply(manifest("app", outcome="hold"))
    kube.wait_phase("app", "Running")
    watching = proxied.start("watch", "app")
    assert "app Running" in first_line(watching)
    proxy.cut()
    until(lambda: proxy.lost >= 6, seconds=60, what="it was refused six times")
    kube.patch_spec("app", cancel=True)
    kube.wait_phase("app", "Cancelled")
    proxy.mend()
    told, said = watching.communicate(timeout=120)
    assert watching.returncode == 3
    assert "app Cancelled" in told
    assert "no answer from the API server" in said


class TestOnATerminal:
    """The live view, as a person sees it."""

    def test_it_shows_the_way_to_the_end(
        self, cli: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest
    ) -> None:
        """The stages are there while it waits and runs, and the last picture stays when it has ended."""
        operator = start_operator(max_concurrent=1)
        kube.apply(manifest("first", outcome="hold"))
        kube.wait_phase("first", "Running")
        kube.apply(manifest("app", platform="ios"))
        kube.wait_phase("app", "Queued")
        with cli.on_terminal("watch", "app") as terminal:
            terminal.until("app  Queued", "● queue ── ○ source ── ○ EAS queue ── ○ build ── ○ submit", "GlobalLimit")
            kube.patch_spec("first", cancel=True)
            assert terminal.wait_ended() == 0
            screen = terminal.text()
        assert "app  Succeeded  attempt 1 of 4" in screen
        assert "✓ queue ━━ ✓ source ━━ ✓ EAS queue ━━ ✓ build ━━ ✓ submit" in screen
        assert screen.count("app  ") == 1, "one picture, drawn over and over"
        assert operator.is_running()

    def test_it_says_that_it_is_not_up_to_date(
        self, proxy: ApiProxy, proxied: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest
    ) -> None:
        """While the API server is away the view stays, says so, and goes on by itself."""
        start_operator()
        kube.apply(manifest("app", outcome="hold"))
        kube.wait_phase("app", "Running")
        with proxied.on_terminal("watch", "app") as terminal:
            terminal.until("app  Running")
            proxy.cut()
            terminal.until("app  Running", "not up to date for")
            proxy.mend()
            kube.patch_spec("app", cancel=True)
            assert terminal.wait_ended() == 3
            assert "app  Cancelled" in terminal.text()
            assert "not up to date" not in terminal.text()

    def test_it_shows_the_end_of_the_log(
        self, proxy: ApiProxy, proxied: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest
    ) -> None:
        """What the pod writes comes below the stages, as it comes."""
        start_operator()
        kube.apply(manifest("app", outcome="hold"))
        kube.wait_phase("app", "Running")
        [pod] = until(kube.pods, seconds=30, what="the pod")
        name = pod["metadata"]["name"]
        proxy.logs.open.add(name)
        proxy.logs.write(name, *(f"line {number}" for number in range(20)))
        with proxied.on_terminal("watch", "app") as terminal:
            terminal.until("│ line 19")
            assert "│ line 11" not in terminal.text()
            proxy.logs.write(name, "one more")
            terminal.until("│ one more")

    def test_a_build_that_was_just_asked_for_is_shown_alike(
        self, cli: Cli, start_operator: StartOperator, manifest: Manifest
    ) -> None:
        """`submit --watch` says the name, shows the same view below it, and ends as the build does."""
        start_operator()
        (cli.folder / "app.json").write_text(json.dumps(manifest("app", outcome="fail", pod={"exit-code": 64})))
        with cli.on_terminal("submit", "-f", "app.json", "--watch") as terminal:
            assert terminal.wait_ended() == 2
            lines = terminal.text().splitlines()
        assert lines[0] == "publishbuild.publishbuild.dev/app created"
        assert lines[1].startswith("app  Failed  attempt 1 of 4")

    def test_ctrl_c_leaves_the_last_picture(
        self, cli: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest
    ) -> None:
        """Who leaves sees where the build was, and how to come back."""
        start_operator()
        kube.apply(manifest("app", outcome="hold"))
        with cli.on_terminal("watch", "app") as terminal:
            terminal.until("app  Running")
            terminal.interrupt()
            assert terminal.wait_ended() == 130
            assert "app  Running" in terminal.text()
            assert "nothing is stopped: publishbuild watch app goes on" in " ".join(terminal.text().split())
