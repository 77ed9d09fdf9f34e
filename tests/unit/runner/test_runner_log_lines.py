"""The runner's log is read on terminals by `kubectl logs`, which writes it as it is."""

from __future__ import annotations

import io
import json

import pytest

from publishbuild.runner.logs import LogTail, make_log
from publishbuild.runner.redact import Redactor
from tests.support.hostile_texts import HOSTILE, unsafe


@pytest.mark.parametrize("name", HOSTILE)
def test_a_line_is_exact_and_harms_no_terminal(name: str) -> None:
    """Whatever git, an install script or eas-cli prints is one JSON object a line, which no terminal acts on."""
    out, words = io.StringIO(), HOSTILE[name]
    log = make_log(Redactor(set()), LogTail(), out)
    log.info(words, output="eas", detail=words)
    assert unsafe(out.getvalue()) == []
    [line] = out.getvalue().splitlines()
    assert (json.loads(line)["event"], json.loads(line)["detail"]) == (words, words)
