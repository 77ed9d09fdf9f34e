"""`publishbuild logs`: every attempt, whether its pod is to come, there or gone.

Pretended pods write nothing, so what they wrote is served by the way to the API server; all else is real.
"""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.builders import a_message
from tests.support.api_proxy import ApiProxy
from tests.support.cli import Cli
from tests.support.fixtures import Manifest, StartOperator
from tests.support.kube import Kube
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]


def the_pod(kube: Kube, number: int = 1) -> str:
    """The name of the pod of that attempt, once it is there."""

    def look() -> str | None:
        pods = sorted(kube.pods(), key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
        return str(pods[number - 1]["metadata"]["name"]) if len(pods) >= number else None

    return until(look, seconds=60, what=f"pod {number}")


def lines_until(following: subprocess.Popen[str], last: str) -> list[str]:
    """The lines of its output up to ``last``."""
    assert following.stdout is not None
    lines: list[str] = []
    while not lines or lines[-1] != last:
        line = following.stdout.readline()
        assert line, f"it ended before {last!r}: {lines}"
        lines.append(line.rstrip("\n"))
    return lines


def test_before_there_is_a_pod_it_says_why(cli: Cli, kube: Kube, manifest: Manifest) -> None:
    """Without a log the command ends with 1 and a line that says how the build stands."""
    kube.apply(manifest("app"))
    done = cli("logs", "app")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "publishbuild: there is no log yet: app Created (-f waits for it)\n"


@pytest.mark.timers(10)
def test_following_goes_from_waiting_over_a_retry_to_the_end(
    proxy: ApiProxy, proxied: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest
) -> None:
    """It waits for the pod and says why, tells each attempt below a header of its own, and ends with the build."""
    kube.apply(manifest("app", outcome="hold", backoffLimit=1))
    following = proxied.start("logs", "app", "-f")
    assert following.stderr is not None
    assert following.stderr.readline() == "app Created\n"
    start_operator()
    for number in (1, 2):
        pod = the_pod(kube, number)
        proxy.logs.open.add(pod)
        runner_line = {"timestamp": "2026-03-02T09:30:12Z", "level": "info", "event": f"attempt {number}"}
        proxy.logs.write(pod, json.dumps(runner_line), "::publishbuild-progress::{}")
        lines = lines_until(following, f"09:30:12  attempt {number}")
        assert lines == [f"==> attempt {number}, pod {pod} <==", f"09:30:12  attempt {number}"]
        kube.kubectl("annotate", "pod", pod, "--overwrite", "kwok.publishbuild.dev/outcome=fail")
        proxy.logs.open.discard(pod)
    kube.wait_phase("app", "Failed", seconds=60)
    told, said = following.communicate(timeout=120)
    assert (told, following.returncode) == ("", 0)
    assert "app Retrying" in said


def test_a_lost_connection_repeats_no_line_and_loses_none(
    proxy: ApiProxy, proxied: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest
) -> None:
    """Lines that are written while the API server is away come after it, each once."""
    start_operator()
    kube.apply(manifest("app", outcome="hold"))
    pod = the_pod(kube)
    kube.wait_phase("app", "Running")
    proxy.logs.open.add(pod)
    proxy.logs.write(pod, "one", "two")
    following = proxied.start("logs", "app", "-f")
    assert lines_until(following, "two") == [f"==> attempt 1, pod {pod} <==", "one", "two"]
    proxy.cut()
    until(lambda: proxy.lost, seconds=60, what="it was refused")
    proxy.logs.write(pod, "three")
    proxy.mend()
    assert lines_until(following, "three") == ["three"]
    kube.patch_spec("app", cancel=True)
    kube.wait_phase("app", "Cancelled")
    proxy.logs.open.discard(pod)
    told, _ = following.communicate(timeout=120)
    assert (told, following.returncode) == ("", 0)


def test_the_tail_of_a_log_goes_on(
    proxy: ApiProxy, proxied: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest
) -> None:
    """`--tail` leaves out what came before, with -f and without, and `--raw` leaves lines as they are."""
    start_operator()
    kube.apply(manifest("app", outcome="hold"))
    pod = the_pod(kube)
    kube.wait_phase("app", "Running")
    proxy.logs.write(pod, *(f"line {number}" for number in range(5)), "::publishbuild-progress::{}")
    head = f"==> attempt 1, pod {pod} <=="
    assert proxied("logs", "app", "--tail", "2").stdout.splitlines() == [head, "line 4"]
    raw = proxied("logs", "app", "--tail", "2", "--raw").stdout.splitlines()
    assert raw == [head, "line 4", "::publishbuild-progress::{}"]
    proxy.logs.open.add(pod)
    following = proxied.start("logs", "app", "-f", "--tail", "1")
    until(lambda: proxy.logs.follows, seconds=60, what="it follows")
    proxy.logs.write(pod, "new")
    assert lines_until(following, "new") == [head, "new"]
    following.kill()
    following.communicate(timeout=120)


def test_a_pod_that_is_gone_leaves_its_last_lines_and_the_links(
    cli: Cli, kube: Kube, start_operator: StartOperator, manifest: Manifest
) -> None:
    """Once the Job and its pods are gone, what the status has kept is told, and where EAS has the rest."""
    start_operator()
    message = a_message(failure=("BuildErrored", "the ios build failed"), log_tail="last but one\nlast", ids="7")
    how = {"exit-code": 64, "message": message}
    kube.apply(manifest("app", outcome="fail", pod=how, ttlSecondsAfterFinished=0))
    kube.wait_phase("app", "Failed")
    until(lambda: not kube.pods(), seconds=60, what="the pod is gone")
    done = cli("logs", "app")
    head, *rest = done.stdout.splitlines()
    assert done.returncode == 0
    assert head.startswith("==> attempt 1, pod pb-app-")
    assert rest == [
        "(the pod is gone; its last lines were kept)",
        "last but one",
        "last",
        "==> on EAS <==",
        "ios build build-7 is FINISHED: https://expo.example/b",
    ]
