"""Every regular expression of the package, found by walking through its modules."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import publishbuild

_RUNS_WHEN_IMPORTED = "publishbuild.cli.__main__"
# What asks for a pattern by its text, so that nobody sees it until it runs.
_INLINE = frozenset(("match", "search", "fullmatch", "sub", "subn", "split", "findall", "finditer", "template"))


def modules() -> list[ModuleType]:
    """Each module of the package, but for the one that is a program."""
    found = pkgutil.walk_packages(publishbuild.__path__, "publishbuild.")
    return [importlib.import_module(module.name) for module in found if module.name != _RUNS_WHEN_IMPORTED]


def patterns() -> dict[str, re.Pattern[str]]:
    """Each pattern once, by the module and name that hold it, also within tuples, dicts and dataclasses."""
    made: dict[str, re.Pattern[str]] = {}
    for module in modules():
        for name, value in vars(module).items():
            for number, pattern in enumerate(_within(value)):
                if pattern not in made.values():
                    made[f"{module.__name__}.{name}[{number}]"] = pattern
    return made


def _within(value: Any) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, (tuple, list, set, frozenset)):
        for item in value:
            yield from _within(item)
    elif isinstance(value, dict):
        yield from _within(list(value.values()))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from _within([getattr(value, field.name) for field in dataclasses.fields(value)])


def hidden_uses(source: str) -> list[str]:
    """Lines where `re` is used so that `patterns` would not see it: by a pattern's text, or within a function."""
    tree = ast.parse(source)
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for node in ast.walk(function)
    }
    return [f"line {node.lineno}" for node in ast.walk(tree) if _is_hidden(node, within=id(node) in inside)]  # type: ignore[attr-defined]


def _is_hidden(node: ast.AST, *, within: bool) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module == "re"
    if isinstance(node, ast.Import):
        return any(alias.name == "re" and alias.asname for alias in node.names)
    if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "re"):
        return False
    return node.attr in _INLINE or (node.attr == "compile" and within)


def compiled_texts(source: str) -> set[str]:
    """The texts that are compiled in it, where they are not put together first."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and node.args]
    texts = [call.args[0] for call in calls if ast.unparse(call.func) == "re.compile"]
    return {str(text.value) for text in texts if isinstance(text, ast.Constant)}


def sources() -> dict[str, str]:
    """Each file of the package, and what is in it."""
    root = Path(publishbuild.__path__[0])
    return {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in sorted(root.rglob("*.py"))}
