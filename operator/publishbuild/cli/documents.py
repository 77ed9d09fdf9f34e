"""JSON and YAML for programs: they hold the very texts of tenants, and yet are safe on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from publishbuild.printable import is_printable, json_line

if TYPE_CHECKING:
    from yaml import SafeDumper


def as_json(data: Mapping[str, Any]) -> str:
    """``data`` on lines of their own."""
    return json_line(data, indent=2)


def as_yaml(data: Mapping[str, Any]) -> str:
    """``data`` with its keys in their order; texts of several lines, and what a terminal would act on, are quoted."""
    import yaml  # noqa: PLC0415  # comes with the extra `client`, and most calls need none

    return str(yaml.dump(dict(data), Dumper=_dumper(), sort_keys=False, allow_unicode=True)).rstrip()


@cache
def _dumper() -> type[SafeDumper]:
    import yaml  # noqa: PLC0415  # as above

    class Dumper(yaml.SafeDumper):
        """PyYAML takes controls of text direction, and line ends of Unicode, for characters like any other."""

        def represent_text(self, text: str) -> yaml.ScalarNode:
            style = None if is_printable(text.replace("\n", "")) else '"'
            return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)

        def write_double_quoted(self, text: str, split: bool = True) -> None:
            """With all but ASCII written as escapes, where there is anything unsafe in it."""
            allowed = self.allow_unicode
            self.allow_unicode = allowed and is_printable(text.replace("\n", ""))
            super().write_double_quoted(text, split)
            self.allow_unicode = allowed

    Dumper.add_representer(str, Dumper.represent_text)
    return Dumper
