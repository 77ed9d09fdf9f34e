"""docs/client.md speaks of what there is."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path

from publishbuild import client
from publishbuild.client import errors, sync
from publishbuild.client.manifest import BuildOptions

DOC = (Path(__file__).parents[3] / "docs" / "client.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", DOC, re.DOTALL)


def test_what_the_examples_import_and_call_exists() -> None:
    """Each example compiles, imports what there is, and calls with arguments that are taken."""
    taken = set(inspect.signature(client.initiate_publishing).parameters) | set(BuildOptions.__annotations__)
    calls = 0
    for block in BLOCKS:
        compiled = compile(block, "docs/client.md", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        for node in ast.walk(compiled):
            if isinstance(node, ast.ImportFrom):
                module = importlib.import_module(str(node.module))
                assert [name.name for name in node.names if not hasattr(module, name.name)] == []
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "initiate_publishing":
                calls += 1
                assert {keyword.arg for keyword in node.keywords} <= taken
    assert calls == 3


def test_the_errors_of_the_table_are_those_of_the_package() -> None:
    """Every error that a caller may meet is in the table."""
    listed = set(re.findall(r"`(\w+Error)`", DOC.partition("## Errors")[2])) - {"PublishBuildError"}
    subclasses = {kind.__name__ for kind in errors.PublishBuildError.__subclasses__()}
    assert listed <= subclasses
    assert subclasses - listed <= {"GoneError", "QueueUnknownError"}  # never leaves a call; told where it is read


def test_the_two_facades_take_the_same() -> None:
    """What can be asked for with await can be asked for without, but for a connection of another loop."""
    with_await = set(inspect.signature(client.initiate_publishing).parameters)
    assert with_await - set(inspect.signature(sync.initiate_publishing).parameters) == {"client"}
    for method in ("status", "wait", "cancel"):
        ours, theirs = getattr(sync.BuildHandle, method), getattr(client.BuildHandle, method)
        assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters)
