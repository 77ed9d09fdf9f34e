"""Finds, in Python source, where a program writes to people, and where a text may be used as a format."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_FUNCTIONS = frozenset(
    (
        "print", "input", "breakpoint", "echo", "secho", "echo_via_pager", "print_json", "print_exception", "print_exc",
        "pprint", "rule", "write", "writelines", "confirm", "prompt", "basicConfig",
    )
)  # fmt: skip
_CLASSES = frozenset(("Console", "Live", "Progress", "Status", "StreamHandler"))
_OF_SYS = frozenset(("stdout", "stderr", "__stdout__", "__stderr__"))
_OUR_OWN = "publishbuild.cli.terminal"
_STYLED = frozenset(("Text", "from_markup", "from_ansi", "render_str", "Markdown", "Syntax"))
_FORMATS = frozenset(("format", "format_map", "vformat", "Formatter"))


def writes(source: str) -> list[str]:
    """Where something is written, or made that writes, by anything but `publishbuild.cli.terminal`."""
    nodes = list(ast.walk(ast.parse(source)))
    imported = [(node.module, one.name) for node in nodes if isinstance(node, ast.ImportFrom) for one in node.names]
    ours = {name for module, name in imported if module == _OUR_OWN}
    called = [node for node in _calls(source) if _called(node) in (_FUNCTIONS | _CLASSES) - ours]
    streams = [node for node in nodes if _is_of_sys(node)]
    taken = [
        f"from {module} import {name}"
        for module, name in imported
        if (name in _FUNCTIONS and module != _OUR_OWN) or (name in _OF_SYS and module == "sys")
    ]
    return [ast.unparse(node) for node in (*called, *streams)] + taken


def styled_texts(source: str) -> list[str]:
    """Where a text with colours is made, or read from markup."""
    return [f"line {node.lineno}" for node in _calls(source) if _STYLED & set(_names(node.func))]


def formats(source: str) -> list[str]:
    """Where a text is filled in by a method, which looks into what it is filled with, or by ``%``."""
    nodes = list(ast.walk(ast.parse(source)))
    filled = [node.lineno for node in nodes if isinstance(node, ast.BinOp) and _may_fill_in(node)]
    named = [node.lineno for node in nodes if isinstance(node, ast.Attribute) and node.attr in _FORMATS]
    return [f"line {line}" for line in sorted({*filled, *named})]


def _is_of_sys(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in _OF_SYS and "sys" in _names(node.value)


def _calls(source: str) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]


def _called(call: ast.Call) -> str:
    return next(iter(_names(call.func)), "")


def _names(node: ast.AST) -> Iterator[str]:
    """``c``, ``b`` and ``a`` of ``a.b.c``."""
    if isinstance(node, ast.Attribute):
        yield node.attr
        yield from _names(node.value)
    elif isinstance(node, ast.Name):
        yield node.id


def _may_fill_in(node: ast.BinOp) -> bool:
    """Whether ``%`` may be a text's: it divides where one of its sides can be no text."""
    if not isinstance(node.op, ast.Mod):
        return False
    sides = (node.left, node.right)
    divides = any(isinstance(side, ast.Constant) and isinstance(side.value, (int, float)) for side in sides)
    return not divides and not isinstance(node.left, ast.BinOp)
