"""Options that many verbs share, each with one meaning."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from publishbuild import names
from publishbuild.cli.completion import build_names
from publishbuild.cli.views.durations import parse_duration

_NAME = re.compile(r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?\Z")
_KINDS = (
    names.SHORT_NAME,
    names.SINGULAR,
    names.PLURAL,
    f"{names.SINGULAR}.{names.GROUP}",
    f"{names.PLURAL}.{names.GROUP}",
)


@dataclass(frozen=True)
class Where:
    """Which cluster and namespace a verb is about; None is what the kubeconfig says."""

    namespace: str | None = None
    context: str | None = None
    kubeconfig: str | None = None


def plain_name(text: str) -> str:
    """``app`` of ``app``, ``pb/app`` or ``publishbuild.publishbuild.dev/app``, as `list -o name` and kubectl write it.

    Raises:
        ValueError: where it cannot be the name of a build.
    """
    kind, slash, name = text.rpartition("/")
    if (slash and kind not in _KINDS) or not _NAME.match(name):
        raise ValueError(f"{text!r} is no name of a build: lower case letters, digits, '-' and '.'")
    return name


Name = Annotated[
    str, typer.Argument(metavar="NAME", parser=plain_name, autocompletion=build_names, help="Name of the build.")
]
Names = Annotated[
    list[str], typer.Argument(metavar="NAME...", parser=plain_name, autocompletion=build_names, help="Names of builds.")
]
SomeNames = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME...", parser=plain_name, autocompletion=build_names, help="Names of builds."),
]
Namespace = Annotated[
    str | None, typer.Option("--namespace", "-n", metavar="NAME", help="Namespace; the context's unless given.")
]
Context = Annotated[str | None, typer.Option("--context", metavar="NAME", help="Context of the kubeconfig.")]
Kubeconfig = Annotated[
    str | None,
    typer.Option("--kubeconfig", metavar="FILE", help="Kubeconfig; KUBECONFIG or ~/.kube/config unless given."),
]
AllNamespaces = Annotated[bool, typer.Option("--all-namespaces", "-A", help="All namespaces that you may list.")]
Selector = Annotated[
    str, typer.Option("--selector", "-l", metavar="LABELS", help="Only builds with these labels: app=shop,tier!=test.")
]
OperatorNamespace = Annotated[
    str | None,
    typer.Option(
        "--operator-namespace",
        metavar="NAME",
        envvar="PUBLISHBUILD_OPERATOR_NAMESPACE",
        help="Namespace of the operator, where it cannot be found.",
    ),
]
Timeout = Annotated[
    int | None,
    typer.Option("--timeout", parser=parse_duration, metavar="DURATION", help="Wait this long at most: 90s, 45m, 2h."),
]
Wait = Annotated[
    bool, typer.Option("--wait", help="Wait for its end: exits 0 succeeded, 2 failed, 3 cancelled, 4 timed out.")
]
Watch = Annotated[bool, typer.Option("--watch", "-w", help="As --wait, and tell of each change.")]

Rest = ParamSpec("Rest")


def on_cluster(verb: Callable[Concatenate[Where, Rest], None]) -> Callable[..., None]:
    """``verb`` with --namespace, --context and --kubeconfig, which reach it as a `Where`, its first argument."""

    @functools.wraps(verb)
    def with_options(*, namespace: str | None, context: str | None, kubeconfig: str | None, **rest: Any) -> None:
        verb(Where(namespace, context, kubeconfig), **rest)  # type: ignore[call-arg]  # typer hands in what `verb` names

    own = list(inspect.signature(verb, eval_str=True).parameters.values())[1:]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in (("namespace", Namespace), ("context", Context), ("kubeconfig", Kubeconfig))
    ]
    parameters = [*(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own), *shared]
    # What typer reads.
    with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return with_options
