"""A real Kubernetes on this machine, for the demo and the tests: python -m hack.cluster COMMAND."""

import argparse
import os
import sys
from functools import partial
from pathlib import Path

from hack.cluster import conflicts, lifecycle, status, tools
from hack.cluster.api import until
from hack.cluster.control_plane import answers
from hack.cluster.forwarding import Command
from hack.cluster.images import load
from hack.cluster.loan import Lender, forget_loan, lend
from hack.cluster.parts import Programs, command_of
from hack.cluster.places import DEFAULT_STATE, ClusterError, State, down_command
from hack.cluster.processes import end, noted, start, trusted_states
from hack.cluster.progress import complain, note
from hack.cluster.proxies import past_proxies
from hack.cluster.settings import PORT_BASES, Settings, port_base
from hack.images.names import chart_names
from hack.prepare.surroundings import in_words, settle


def parser() -> argparse.ArgumentParser:
    """The command line."""
    main = argparse.ArgumentParser(prog="python -m hack.cluster", description=__doc__)
    commands = main.add_subparsers(dest="command", required=True)
    commands.add_parser("tools", help="put kubectl and helm into .cluster/bin where the machine's are missing or old")
    up = commands.add_parser("up", help="start the cluster, or what is missing of it")
    checked = commands.add_parser("check", help="tell at once what would keep a cluster from coming up")
    lent = commands.add_parser(
        "lend", help="run COMMAND, after --, on the cluster; take it down if it was not up before"
    )
    lent.add_argument("--keep", action="store_true", help="leave the cluster up")
    for command in (up, checked, lent):
        command.add_argument("--node", choices=PORT_BASES, default="real", help="a real node, pretended ones, or none")
        command.add_argument("--kwok-nodes", type=int, default=1, metavar="N", help="how many pretended nodes")
        command.add_argument("--port-base", type=int, metavar="N", help="first of its ports; networks follow from it")
    down = commands.add_parser("down", help="stop the cluster and remove all that it made")
    told = commands.add_parser("status", help="tell which parts run, and where")
    images = commands.add_parser("load", help="put docker-archives of images onto the real node")
    images.add_argument("archives", nargs="+", type=Path, metavar="IMAGE_ARCHIVE")
    redis = commands.add_parser("redis", help="start or stop Redis alone")
    redis.add_argument("action", choices=("start", "stop"))
    for command in (up, checked, lent, down, told, images, redis):
        command.add_argument("--state", type=Path, default=DEFAULT_STATE, metavar="DIR", help="the cluster's folder")
    return main


def redis(state: State, settings: Settings, action: str) -> None:
    """Start or stop Redis alone, as faults are made; the rest of the cluster goes on."""
    process = noted(state, "redis")
    if action == "stop" and process:
        end([process], patience=5)
    if action == "start" and not process:
        start(state, "redis", command_of("redis", state, settings, Programs.prepare(settings)))
        until(lambda: answers(settings.redis_port), "redis")
    note(f"redis: {action} done")


def settings_wanted(state: State, arguments: argparse.Namespace) -> Settings:
    """What the flags ask for; a cluster that has ports of its own is found again without naming them."""
    known = Settings.read(state)
    kept = known.port_base if known and known.node == arguments.node else port_base(state, arguments.node)
    asked = {
        "node": arguments.node,
        "port_base": kept if arguments.port_base is None else arguments.port_base,
        "kwok_nodes": arguments.kwok_nodes,
    }
    try:
        return Settings.checked(asked)
    except ValueError as error:
        raise ClusterError(f"the command line {error}") from error


def lent(state: State, wanted: Settings, command: Command, *, keep: bool) -> int:
    """Run a command on the cluster; its exit code."""
    if not command.arguments:
        raise ClusterError("lend needs a command after --, such as: lend --node kwok -- pytest tests/integration")

    def down() -> None:
        if Settings.read(state):
            lifecycle.down(state, ", since this command had started it")

    def end_others(mark: str) -> None:
        for other in trusted_states(mark):
            if other != state:
                lifecycle.down(other, ", since this command had started it")

    removal = down_command(state)
    up = partial(lifecycle.up, state, wanted)
    return lend(Lender(state, up, down, partial(lifecycle.is_up, state), end_others, removal), command, keep=keep)


def run(arguments: argparse.Namespace, command: Command) -> int:
    """Carry out one command; its exit code."""
    if arguments.command == "tools":
        tools.fill()
        return 0
    state = State.at(arguments.state)
    if arguments.command == "lend":
        return lent(state, settings_wanted(state, arguments), command, keep=arguments.keep)
    if arguments.command == "check":
        conflicts.check(state, settings_wanted(state, arguments))
    elif arguments.command in ("up", "down"):
        forget_loan(state)
        lifecycle.up(state, settings_wanted(state, arguments)) if arguments.command == "up" else lifecycle.down(state)
    else:
        of_what_is_up(state, arguments)
    return 0


def of_what_is_up(state: State, arguments: argparse.Namespace) -> None:
    """Carry out a command that needs a cluster."""
    settings = Settings.read(state)
    if not settings:
        raise ClusterError(f"no cluster is up in {state.root}")
    if arguments.command == "status":
        status.show(state, settings)
    elif arguments.command == "load":
        load(state, arguments.archives, aliases=chart_names())
    else:
        redis(state, settings, arguments.action)


def main() -> int:
    """Run the command line; an error that its reader can mend is one line."""
    arguments = sys.argv[1:]
    settle()
    split = arguments.index("--") if "--" in arguments else len(arguments)
    # What follows -- is the command of a loan, whatever its flags; it runs as if its user had started it,
    # but that what it asks of the cluster passes no proxy.
    command = Command(arguments[split + 1 :], past_proxies(os.environ), os.umask(0o077))
    # Debian keeps what a node needs where only root's PATH looks, and not even that of every root.
    os.environ["PATH"] = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
    try:
        return run(parser().parse_args(arguments[:split]), command)
    except (ClusterError, OSError) as error:
        complain(in_words(error) if isinstance(error, OSError) else str(error))
        return 1
    except KeyboardInterrupt:
        complain("interrupted; up goes on where it was, down clears")
        return 130


if __name__ == "__main__":
    sys.exit(main())
