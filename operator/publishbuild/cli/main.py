"""``publishbuild``: a verb each, a module each where a verb grows."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated

import typer

from publishbuild import __version__

USAGE = 1

app = typer.Typer(
    name="publishbuild",
    help="Publishes Expo apps in the background, one Kubernetes Job per build.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Say which.")
    ] = False,
) -> None:
    """Publishes Expo apps in the background, one Kubernetes Job per build."""


@app.command()
def operator() -> None:
    """Run the operator until SIGTERM. Its settings come from the environment (docs/settings.md)."""
    from publishbuild.cluster.api import ApiError  # noqa: PLC0415  # the other verbs start without kopf and Redis
    from publishbuild.leadership import LeadershipLostError  # noqa: PLC0415
    from publishbuild.observe.http import ListenError  # noqa: PLC0415
    from publishbuild.observe.logs import set_up_logs  # noqa: PLC0415
    from publishbuild.service import serve  # noqa: PLC0415
    from publishbuild.settings import SettingsError, read_settings  # noqa: PLC0415

    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        _refuse(str(error))
    set_up_logs(settings.log_level, settings.log_format)
    try:
        asyncio.run(serve(settings))
    except ApiError as error:
        _refuse(f"no cluster: {error.message}")
    except LeadershipLostError as error:
        _refuse(f"stops acting: {error}")
    except ListenError as error:
        _refuse(f"cannot listen on {error}")
    except SettingsError as error:
        _refuse(str(error))


@app.command()
def crd() -> None:
    """Print the CustomResourceDefinition, to be piped into ``kubectl apply -f -``."""
    from publishbuild.models.crd import crd_yaml  # noqa: PLC0415

    typer.echo(crd_yaml(), nl=False)


def _refuse(line: str) -> None:
    typer.echo(f"publishbuild: {line}", err=True)
    raise typer.Exit(USAGE)
