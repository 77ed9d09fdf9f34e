"""A real Kubernetes on this machine, for the demo and the tests: python -m hack.cluster COMMAND."""

import argparse
import os
import sys
from pathlib import Path

from hack.cluster import lifecycle, status, tools
from hack.cluster.api import until
from hack.cluster.control_plane import answers
from hack.cluster.images import load
from hack.cluster.machine import install_missing
from hack.cluster.parts import Programs, command_of
from hack.cluster.places import DEFAULT_STATE, ClusterError, State
from hack.cluster.processes import end, noted, start
from hack.cluster.progress import console, note
from hack.cluster.settings import PORT_BASES, Settings, port_base


def parser() -> argparse.ArgumentParser:
    """The command line."""
    main = argparse.ArgumentParser(prog="python -m hack.cluster", description=__doc__)
    commands = main.add_subparsers(dest="command", required=True)
    commands.add_parser("tools", help="put kubectl and helm into .cluster/bin where the machine's are missing or old")
    packages = commands.add_parser("packages", help="install the Debian packages that a cluster needs")
    packages.add_argument("--node", choices=PORT_BASES, default="real", help="for which kind of node")
    up = commands.add_parser("up", help="start the cluster, or what is missing of it")
    up.add_argument("--node", choices=PORT_BASES, default="real", help="a real node, pretended ones, or none")
    up.add_argument("--kwok-nodes", type=int, default=1, metavar="N", help="how many pretended nodes")
    up.add_argument("--port-base", type=int, metavar="N", help="first of the cluster's ports; networks follow from it")
    down = commands.add_parser("down", help="stop the cluster and remove all that it made")
    told = commands.add_parser("status", help="tell which parts run, and where")
    images = commands.add_parser("load", help="put docker-archives of images onto the real node")
    images.add_argument("archives", nargs="+", type=Path, metavar="IMAGE_ARCHIVE")
    redis = commands.add_parser("redis", help="start or stop Redis alone")
    redis.add_argument("action", choices=("start", "stop"))
    for command in (up, down, told, images, redis):
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


def run(arguments: argparse.Namespace) -> None:
    """Carry out one command."""
    if arguments.command == "tools":
        tools.fill()
        return
    if arguments.command == "packages":
        install_missing(arguments.node)
        return
    state = State.at(arguments.state)
    if arguments.command == "up":
        # One that was brought up with ports of its own is found again without naming them.
        known = Settings.read(state)
        kept = known.port_base if known and known.node == arguments.node else port_base(state, arguments.node)
        base = arguments.port_base or kept
        lifecycle.up(state, Settings(arguments.node, base, arguments.kwok_nodes))
        return
    if arguments.command == "down":
        lifecycle.down(state)
        return
    settings = Settings.read(state)
    if not settings:
        raise ClusterError(f"no cluster is up in {state.root}")
    if arguments.command == "status":
        status.show(state, settings)
    elif arguments.command == "load":
        load(state, arguments.archives)
    else:
        redis(state, settings, arguments.action)


def main() -> int:
    """Run the command line; an error that its reader can mend is one line."""
    os.umask(0o077)
    # Debian keeps what a node needs where only root's PATH looks, and not even that of every root.
    os.environ["PATH"] = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
    try:
        run(parser().parse_args())
    except ClusterError as error:
        console.print(f"[red]cluster:[/] {error}", soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("[red]cluster:[/] interrupted; up goes on where it was, down clears")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
