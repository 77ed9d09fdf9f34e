"""Options that many verbs share, each with one meaning."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from publishbuild.cli.views.durations import parse_duration


@dataclass(frozen=True)
class Where:
    """Which cluster and namespace a verb is about; None is what the kubeconfig says."""

    namespace: str | None = None
    context: str | None = None
    kubeconfig: str | None = None


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
