"""Starts what is missing of a cluster, in an order that wastes no time, until all of it serves."""

import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress

from hack.cluster import kwok, network
from hack.cluster.api import Api, until
from hack.cluster.control_plane import answers
from hack.cluster.credentials import make_credentials
from hack.cluster.ended import first_ended, told
from hack.cluster.images import load, pause_archive
from hack.cluster.leftovers import container_processes
from hack.cluster.parts import Programs, command_of, running
from hack.cluster.places import ClusterError, State
from hack.cluster.processes import PROC, end, marked, start
from hack.cluster.settings import NODE_NAME, Settings

BOOT_NOTE = "conf/boot-id"
"""Which run of the machine the cluster belongs to."""

KUBELET_PORT, DNS_PORT = 10250, 53
"""Fixed, since each node has a network of its own."""


def start_parts(state: State, settings: Settings, programs: Programs, *, fresh: bool) -> None:
    """Start the parts that do not run; a fresh cluster reuses nothing that is there under its names."""
    settings.write(state)
    state.make()
    with suppress(OSError):
        (state / BOOT_NOTE).write_bytes((PROC / "sys/kernel/random/boot_id").read_bytes())
    make_credentials(state, settings, programs.pki)
    if settings.node == "real":
        _network(state, settings, fresh=fresh)
    api = Api(state, settings)
    watched = {name: bool(process) for name, process in running(state, settings).items()}

    def go(*names: str) -> None:
        for name in names:
            if not watched.get(name, True):
                start(state, name, command_of(name, state, settings, programs))
                watched[name] = True

    def wait(part: str, holds: Callable[[], object]) -> None:
        _until(state, [name for name, runs in watched.items() if runs], part, holds)

    go("redis", "containerd", "etcd")
    wait("etcd", lambda: answers(settings.etcd_port))
    go("kube-apiserver")
    if settings.node == "real":
        wait("containerd", lambda: _containerd_answers(state))
        load(state, [pause_archive()], quiet=True)
    wait("kube-apiserver", api.ready)
    go("kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "coredns", "kwok")
    wait("redis", lambda: answers(settings.redis_port))
    if settings.node == "kwok":
        wait("kube-apiserver", lambda: kwok.make_nodes(api, settings))
        wait("kwok", lambda: kwok.ready(api, settings))
    if settings.node == "real":
        # A node whose kubelet was just killed still counts as Ready, and is none until the kubelet listens.
        wait("kubelet", lambda: answers(KUBELET_PORT, settings.node_address) and api.node_ready(NODE_NAME))
        wait("coredns", lambda: answers(DNS_PORT, settings.node_address))
    wait("kube-scheduler", lambda: answers(settings.scheduler_port))
    wait("kube-controller-manager", lambda: answers(settings.controllers_port) and api.default_account())
    if name := first_ended(state, watched):
        raise ClusterError(told(state, name))


def _network(state: State, settings: Settings, *, fresh: bool) -> None:
    """Make the node's network anew unless this very cluster made it, and made it whole."""
    made = state / "conf" / "network-made"
    if fresh or not made.exists() or not network.exists(settings):
        made.unlink(missing_ok=True)
        if not fresh:  # what lives on in a network that is cut off has to start again in the new one
            end([*marked(state), *container_processes(state)])
        network.make(settings)
        made.touch()


def _until(state: State, watched: Sequence[str], part: str, holds: Callable[[], object]) -> None:
    """Wait for a part; give up at once when one that was started has ended: a part waits in vain for another, too."""

    def holds_or_dead() -> bool:
        if name := first_ended(state, watched):
            raise ClusterError(told(state, name))
        return bool(holds())

    until(holds_or_dead, f"{part} (its log: {state / 'logs' / part}.log)")


def _containerd_answers(state: State) -> bool:
    ctr = ["ctr", "--address", str(state.socket), "version"]
    return state.socket.exists() and subprocess.run(ctr, capture_output=True, check=False).returncode == 0
