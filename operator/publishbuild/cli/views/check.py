"""One line of `publishbuild doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """How a check came out; `BAD` makes the command fail."""

    GOOD = "✓"
    DOUBT = "!"
    BAD = "✗"


@dataclass(frozen=True, slots=True)
class Check:
    """``fix`` says what to do where it is not `Mark.GOOD`."""

    what: str
    mark: Mark
    says: str
    fix: str = ""


INSTALL = "helm install publishbuild-operator charts/publishbuild-operator (docs/helm.md)"
NAME_IT = "name the operator's namespace with --operator-namespace"
