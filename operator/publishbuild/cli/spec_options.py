"""Options that set fields of a build's spec; `kubectl explain pb.spec` tells more of each."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from publishbuild.cli.views.durations import parse_duration


class PlatformName(StrEnum):
    """As the CRD allows."""

    IOS = "ios"
    ANDROID = "android"
    ALL = "all"


def _text(metavar: str, text: str) -> Any:
    return typer.Option(metavar=metavar, help=text)


def _duration(text: str) -> Any:
    return typer.Option(parser=parse_duration, metavar="DURATION", help=text)


GitUrl = Annotated[str | None, _text("URL", "Repository; the origin unless given.")]
Revision = Annotated[str | None, _text("REV", "Commit, branch or tag; the commit you stand on unless given.")]
AppPath = Annotated[str | None, _text("DIR", "App's folder in the repository; the one you are in unless given.")]
GitSecret = Annotated[str | None, _text("SECRET", "Secret that opens the repository.")]
Credentials = Annotated[str | None, _text("SECRET", "Secret whose keys become the runner's environment.")]
Platform = Annotated[PlatformName | None, typer.Option(help="Default: all.")]
Profile = Annotated[str | None, _text("NAME", "Build profile of eas.json. Default: production.")]
ToStores = Annotated[
    bool | None, typer.Option("--submit/--no-submit", help="Submit to the stores after the build. Default: submit.")
]
SubmitProfile = Annotated[str | None, _text("NAME", "Submit profile of eas.json. Default: the build profile.")]
Priority = Annotated[
    int | None, typer.Option(help="-1000 to 1000; in a namespace the higher starts first. Default: 0.")
]
ConcurrencyKey = Annotated[str | None, _text("KEY", "At most one build of this key runs at a time.")]
CancelPrevious = Annotated[
    bool, typer.Option("--cancel-previous", help="Cancel older builds with the same concurrency key.")
]
BackoffLimit = Annotated[int | None, _text("N", "Retries, 0 to 10. Default: 3.")]
QueueTimeout = Annotated[int | None, _duration("Fail where it waits longer: 90m, 2h. Default: never.")]
RunTimeout = Annotated[int | None, _duration("Fail where it runs longer. Default: 2h.")]
Suspend = Annotated[bool, typer.Option("--suspend", help="Hold it until `publishbuild resume`.")]
Labels = Annotated[list[str] | None, typer.Option("--label", metavar="KEY=VALUE", help="Label; may be repeated.")]


def parse_labels(texts: Sequence[str] | None) -> dict[str, str]:
    """``app=shop`` as a label each.

    Raises:
        typer.BadParameter: where one is none.
    """
    labels = {}
    for text in texts or ():
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise typer.BadParameter(f"{text!r} must be KEY=VALUE", param_hint="--label")
        labels[key] = value
    return labels
