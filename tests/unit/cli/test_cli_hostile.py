"""Whatever a tenant writes, whoever reads it sees text: no command lets it act on a terminal or forge a line."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer
import yaml

from publishbuild.cli.completion import build_names
from publishbuild.cli.main import app
from tests.builders import NAMESPACE
from tests.support.api_server import kubeconfig_of, serving
from tests.support.api_standin import Answer, ApiStandIn
from tests.support.cli import Cli
from tests.support.hostile_cluster import FAILED, LOG, PUBLISHED, REFUSED, STUCK, WAITING, answers_saying
from tests.support.hostile_texts import HOSTILE, MARK, unsafe

MOST_TELLING = (("why", FAILED), ("watch", FAILED), ("logs", FAILED), ("list", "-o", "wide"), ("queue",), ("doctor",))
ON_TERMINALS = (("why", FAILED), ("doctor",), ("watch", FAILED), ("logs", FAILED, "--raw"))
OTHERS = (
    ("why", WAITING),
    ("why", PUBLISHED),
    ("why", STUCK),
    ("logs", STUCK),
    ("list",),
    ("list", "-n", REFUSED),
    ("cancel", "-n", REFUSED, FAILED),
)
ALL = " and ".join(HOSTILE.values())
# What rich sends of its own accord: colours, the cursor hidden and shown, moved up, a line cleared.
OURS = re.compile(r"\x1b\[(?:[0-9;]*m|\?25[lh]|[0-9]*A|2K)|\r(?=\x1b\[2K|\n)|(?<=\n)\r")
Written = Callable[..., str]


@pytest.fixture(scope="module")
def standin() -> ApiStandIn:
    return ApiStandIn()


@pytest.fixture(scope="module")
def kubeconfig(standin: ApiStandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with serving(standin) as url:
        yield kubeconfig_of(url, NAMESPACE, tmp_path_factory.mktemp("standin") / "kubeconfig")


@pytest.fixture
def written(
    standin: ApiStandIn, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Written:
    """What a command writes where all objects of the cluster say ``text``, on stdout and stderr."""
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)  # the machine's own certificates take longest to load

    def call(text: str, *arguments: str, log: str | None = None) -> str:
        standin.by_path = answers_saying(text)
        if log is not None:
            standin.by_path[LOG] = Answer(log)
        with pytest.raises(SystemExit):
            app([*arguments], prog_name="publishbuild")
        said = capsys.readouterr()
        return said.out + said.err

    return call


@pytest.mark.parametrize("command", MOST_TELLING, ids=" ".join)
def test_no_text_is_more_than_text(written: Written, command: tuple[str, ...]) -> None:
    """Each hostile text is shown as characters that can be seen, on as many lines as a harmless one in its place."""
    lines = _lines_with_mark(written, command)
    for name, text in HOSTILE.items():
        shown = written(text, *command)
        assert unsafe(shown) == [], name
        assert MARK in shown, name
        assert shown.count("\n") == lines, name


@pytest.mark.parametrize("command", OTHERS, ids=" ".join)
def test_no_way_out_is_forgotten(written: Written, command: tuple[str, ...]) -> None:
    """The other commands, and their errors, are safe from all hostile texts at once."""
    lines, shown = _lines_with_mark(written, command), written(ALL, *command)
    assert unsafe(shown) == []
    assert MARK in shown
    assert shown.count("\n") == lines


def test_half_of_a_pair_ends_no_log(written: Written) -> None:
    """A line whose JSON holds half of a surrogate pair, which no stream takes, is shown; so are those after it."""
    line = json.dumps({"timestamp": "2026-03-02T09:30:12Z", "level": "info", "event": "half \ud800"})
    assert "half \\ud800\nafter it\n" in written(MARK, "logs", FAILED, log=f"{line}\nafter it\n")


def test_raw_lines_are_exact_for_programs(written: Written) -> None:
    """`logs --raw` hands a program what the pod has written."""
    assert HOSTILE["clear-screen"] in written(HOSTILE["clear-screen"], "logs", FAILED, "--raw")


@pytest.mark.parametrize(
    "command", [("why", FAILED), ("doctor",), ("watch", FAILED), ("logs", FAILED, "--raw")], ids=" ".join
)
def test_a_terminal_is_sent_nothing_hostile(
    kubeconfig: Path, standin: ApiStandIn, tmp_path: Path, command: tuple[str, ...]
) -> None:
    """On a terminal, with our own colours and a view that is drawn over itself, no hostile text acts on it."""
    standin.by_path = answers_saying(ALL)
    with Cli(kubeconfig, tmp_path).on_terminal(*command) as terminal:
        terminal.wait_ended()
        sent = terminal.sent().decode()
    assert MARK in sent
    assert unsafe(OURS.sub("", sent).replace("\r\n", "\n")) == []


def test_a_defect_is_told_without_harm(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The traceback of an error that nobody foresaw quotes a text, and does what the text says just as little."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(ALL)

    monkeypatch.setattr("publishbuild.cli.session.run", fail)
    with pytest.raises(SystemExit) as ended:
        app(["list"], prog_name="publishbuild")
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (1, "")
    assert "RuntimeError" in said.err
    assert MARK in said.err
    assert unsafe(said.err) == []


def test_a_shell_completes_nothing_hostile(
    kubeconfig: Path, standin: ApiStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is no name is not offered to a shell, whoever answered with it."""
    standin.by_path = answers_saying(MARK)
    listed = standin.by_path[f"/apis/publishbuild.dev/v1alpha1/namespaces/{NAMESPACE}/publishbuilds"].body["items"]
    listed[0]["metadata"]["name"] = "app-1\x1b[2J"
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)
    offered = build_names(typer.Context(typer.main.get_command(app)), "app")
    assert offered == [FAILED]


def _lines_with_mark(written: Written, command: tuple[str, ...]) -> int:
    harmless = written(MARK, *command)
    assert MARK in harmless, "a command that shows nothing of a tenant's proves nothing"
    return harmless.count("\n")


@pytest.mark.parametrize("style", ["json", "yaml"])
def test_documents_are_exact_and_safe(written: Written, style: str) -> None:
    """JSON and YAML hold the very text, written so that a terminal is safe from it all the same."""
    document = written(ALL, "list", "-o", style)
    assert unsafe(document) == []
    items = (json.loads if style == "json" else yaml.safe_load)(document)["items"]
    [commit] = [item["status"]["source"]["commit"] for item in items if item["metadata"]["name"] == PUBLISHED]
    assert commit == ALL
