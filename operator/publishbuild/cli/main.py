"""``publishbuild``: a verb each, a module each where a verb grows."""

from __future__ import annotations

import asyncio
import os
import sys
import traceback
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from publishbuild import __version__
from publishbuild.cli import cancel, doctor, listing, logs, pause, queue, retry, submit, suspend, watch, why
from publishbuild.cli.output import USAGE, refuse, remark, say, say_document
from publishbuild.cli.terminal import write


class _OneLineErrors(TyperGroup):
    """Usage errors in one line, with exit code 1: 2 says that a build failed."""

    def main(self, *args: Any, **fixed: Any) -> Any:
        """Run the command and end the process."""
        try:
            sys.exit(super().main(*args, **{**fixed, "standalone_mode": False}))
        except typer.TyperException as wrong:
            command = getattr(getattr(wrong, "ctx", None), "command_path", "publishbuild")
            # typer names the class of the error where a choice is wrong.
            said = wrong.format_message().replace(": Value error, ", ": ").rstrip(".")
            remark(f"publishbuild: {said} (see {command} --help)")
        except typer.Abort:
            remark("publishbuild: stopped")
        except Exception:  # noqa: BLE001  # a defect, whose words may quote a tenant's
            write(*traceback.format_exc().splitlines(), stderr=True)
        sys.exit(USAGE)


app = typer.Typer(
    name="publishbuild",
    cls=_OneLineErrors,
    help="Publishes Expo apps in the background, one Kubernetes Job per build.",
    invoke_without_command=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help, as kubectl's: quick, and the same on any terminal
    context_settings={"help_option_names": ["--help", "-h"]},
)
for _verb, _function, _examples in (
    ("submit", submit.submit, submit.EXAMPLES),
    ("list", listing.list_builds, listing.EXAMPLES),
    ("watch", watch.watch, watch.EXAMPLES),
    ("logs", logs.logs, logs.EXAMPLES),
    ("why", why.why, why.EXAMPLES),
    ("doctor", doctor.doctor, doctor.EXAMPLES),
    ("queue", queue.queue, queue.EXAMPLES),
    ("cancel", cancel.cancel, cancel.EXAMPLES),
    ("retry", retry.retry, retry.EXAMPLES),
    ("suspend", suspend.suspend, suspend.SUSPEND_EXAMPLES),
    ("resume", suspend.resume, suspend.RESUME_EXAMPLES),
    ("pause", pause.pause, pause.PAUSE_EXAMPLES),
    ("unpause", pause.unpause, pause.UNPAUSE_EXAMPLES),
):
    app.command(_verb, epilog=_examples)(_function)


def _print_version(wanted: bool) -> None:
    if wanted:
        say(__version__)
        raise typer.Exit


@app.callback()
def main(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001  # its callback does it
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Say which.")
    ] = False,
) -> None:
    """Publishes Expo apps in the background, one Kubernetes Job per build."""
    if context.invoked_subcommand is None:
        say_document(context.get_help())


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
        refuse(str(error))
    set_up_logs(settings.log_level, settings.log_format)
    try:
        asyncio.run(serve(settings))
    except ApiError as error:
        refuse(f"no cluster: {error.message}")
    except LeadershipLostError as error:
        refuse(f"stops acting: {error}")
    except ListenError as error:
        refuse(f"cannot listen on {error}")
    except SettingsError as error:
        refuse(str(error))


@app.command()
def crd() -> None:
    """Print the CustomResourceDefinition, to be piped into ``kubectl apply -f -``."""
    from publishbuild.models.crd import crd_yaml  # noqa: PLC0415

    say_document(crd_yaml())
