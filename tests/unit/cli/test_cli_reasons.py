"""The table of reasons: nothing that a status can show is without its words."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from publishbuild import runner
from publishbuild.cli.reasons import document, table
from publishbuild.cli.reasons.pods import OTHER_TROUBLE
from publishbuild.cli.reasons.reason import PLACEHOLDERS, Reason, Step
from publishbuild.cli.reasons.waiting import LAUNCH_REFUSED, UNSEEN
from publishbuild.decide.attempts import DISRUPTED
from publishbuild.names import FailureReason, QueueReason
from publishbuild.runner.failures import _EAS, _GIT

# A placeholder, and no part of a command's JSON.
BRACED = re.compile(r"\{([^{}\":]*)\}")
RUNNER = Path(runner.__file__).parent
TABLES = (table.WAITS, table.POD_CANNOT_START, table.ENDED, table.ATTEMPT_FAILED)
ALL = [*(reason for one in TABLES for reason in one.values()), OTHER_TROUBLE, LAUNCH_REFUSED, UNSEEN]


def literals(call: ast.Call) -> Iterator[tuple[str, bool]]:
    """Reason and whether it is worth a retry, of a call that makes a failure out of literals."""
    maker = call.func.id if isinstance(call.func, ast.Name) else ""
    first = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
    if maker == "give_up" and isinstance(first, str):
        yield first, False
    if maker == "FailureClass" and isinstance(first, str):
        [retryable] = [word.value for word in call.keywords if word.arg == "retryable"]
        assert isinstance(retryable, ast.Constant)
        yield first, bool(retryable.value)
    if maker == "_classify" and isinstance(call.args[2], ast.Constant):
        yield str(call.args[2].value), True


def runner_reasons() -> dict[str, bool]:
    """All reasons that the runner can give, and whether each is worth a retry, read from its source."""
    calls = [
        node
        for file in sorted(RUNNER.glob("*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
    ]
    written = {reason: retryable for call in calls for reason, retryable in literals(call)}
    return written | {reason: retryable for _, reason, retryable in (*_EAS, *_GIT)}


def test_each_reason_to_wait_has_its_words() -> None:
    """No reason for which the operator lets a build wait is without a cause and something to do."""
    assert set(table.WAITS) == set(QueueReason)


def test_each_ending_has_its_words() -> None:
    """No reason with which the operator ends a build is without a cause and something to do."""
    assert set(table.ENDED) == set(FailureReason)


def test_each_reason_of_the_runner_has_its_words() -> None:
    """No reason that the Expo runner can give is without a cause and something to do, and none is made up."""
    known = runner_reasons()
    assert len(known) > 30, "the runner's source is read"
    told = {word for word in table.ATTEMPT_FAILED if word in known}
    assert told == set(known) - {FailureReason.CANCELLED}


@pytest.mark.parametrize(("word", "retryable"), sorted(runner_reasons().items()))
def test_what_is_tried_again_says_so(word: str, retryable: bool) -> None:
    """A reason is said to be tried again exactly where the runner asks for another attempt."""
    if word != FailureReason.CANCELLED:
        assert table.ATTEMPT_FAILED[word].retried is retryable


def test_an_eviction_has_its_words() -> None:
    """An attempt that was evicted is spoken of in the word that the operator writes."""
    assert DISRUPTED in table.ATTEMPT_FAILED


@pytest.mark.parametrize("reason", ALL, ids=lambda reason: reason.word)
def test_reasons_read_well(reason: Reason) -> None:
    """A cause continues a sentence, each step is one, and no placeholder is unknown."""
    assert not reason.cause.endswith(".")
    assert reason.steps
    for step in reason.steps:
        assert step.text.endswith((".", ":", "_page}")) or "https://" in step.text
        assert bool(step.command) == step.text.endswith(":")
        assert set(BRACED.findall(f"{step.text} {step.command}")) <= set(PLACEHOLDERS)


def test_values_are_never_filled_in_themselves() -> None:
    """What a build says stands in a step as it is, braces included, and in a command it is one word of the shell's."""
    value = "{platform.each.__globals__} {where} $(id); x"
    advice = Step("It is {name}.", "show {name} {where}").filled({"name": value, "where": "-n 'a b'"})
    assert advice.text == f"It is {value}."
    assert shlex.split(advice.command) == ["show", value, "-n", "a b"]


def test_the_document_names_each_reason_once() -> None:
    """docs/reasons.md has a heading of its own for each reason of the tables."""
    headings = [line.removeprefix("### ") for line in document.document().splitlines() if line.startswith("### ")]
    assert sorted(headings) == sorted(word for one in TABLES for word in one)
