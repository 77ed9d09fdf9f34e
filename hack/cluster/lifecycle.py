"""Up and down: from whatever is there to a cluster that serves, and back to a clean machine."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from hack.cluster import kwok, machine, network
from hack.cluster.api import Api, until
from hack.cluster.control_plane import answers
from hack.cluster.credentials import make_credentials
from hack.cluster.images import load, pause_archive
from hack.cluster.leftovers import remove_leftovers
from hack.cluster.locks import held
from hack.cluster.parts import Programs, command_of, part_names, running
from hack.cluster.places import ClusterError, State
from hack.cluster.processes import PROC, end, marked, noted, start
from hack.cluster.progress import note
from hack.cluster.settings import NODE_NAME, Settings

KUBELET_PORT, DNS_PORT = 10250, 53
"""Fixed, since each node has a network of its own."""


def up(state: State, wanted: Settings) -> None:
    """Bring a cluster up, or what is missing of it; nothing happens where all of it runs."""
    with held(f"state-{state.key}"):
        began = time.monotonic()
        settings = _reconciled(state, wanted)
        if settings and all(running(state, settings).values()) and Api(state, settings).ready():
            note(f"already up, in {state.root}")
            return
        machine.check(wanted.node)
        machine.install_missing(wanted.node)
        programs = Programs.prepare(wanted)
        if wanted.node == "real":
            pause_archive()
        began = time.monotonic() if not settings else began
        _start(state, wanted, programs)
        note(f"up after {time.monotonic() - began:.1f} s, in {state.root}")


def _reconciled(state: State, wanted: Settings) -> Settings | None:
    """The settings of what is there already, None where nothing is, or nothing that can be used."""
    there = Settings.read(state)
    if not there:
        if strangers := state.strangers():
            raise ClusterError(
                f"{state.root} has files of another kind: {', '.join(strangers)}; choose another --state"
            )
        return None
    if there != wanted and any(running(state, there).values()):
        raise ClusterError(f"{state.root} is up with other settings, {there}; run down first")
    if there != wanted or _older_than_the_machine(state):
        note("clearing what an earlier cluster left")
        _clear(state, there)
        return None
    return there


def _older_than_the_machine(state: State) -> bool:
    """Whether the machine was started after the cluster: then the store, never synced, may be torn."""
    boot = PROC / "sys/kernel/random/boot_id"
    note_file = state / "conf" / "boot-id"
    if not boot.exists():
        return False
    return not note_file.exists() or note_file.read_text(encoding="utf-8") != boot.read_text(encoding="utf-8")


def _start(state: State, settings: Settings, programs: Programs) -> None:
    dead = [name for name, process in running(state, settings).items() if not process]
    _check_ports(settings, dead)
    settings.write(state)
    state.make()
    with suppress(OSError):
        (state / "conf" / "boot-id").write_bytes((PROC / "sys/kernel/random/boot_id").read_bytes())
    make_credentials(state, settings, programs.pki)
    if settings.node == "real" and not network.exists(settings):
        network.make(settings)
    api = Api(state, settings)

    def go(*names: str) -> None:
        for name in names:
            if name in dead:
                start(state, name, command_of(name, state, settings, programs))

    go("redis", "containerd", "etcd")
    _until(state, "etcd", lambda: answers(settings.etcd_port))
    go("kube-apiserver")
    if settings.node == "real":
        _until(state, "containerd", lambda: _containerd_answers(state))
        load(state, [pause_archive()], quiet=True)
    _until(state, "kube-apiserver", api.ready)
    go("kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "coredns", "kwok")
    _until(state, "redis", lambda: answers(settings.redis_port))
    if settings.node == "kwok":
        kwok.make_nodes(api, settings)
        _until(state, "kwok", lambda: kwok.ready(api, settings))
    if settings.node == "real":
        # A node whose kubelet was just killed still counts as Ready, and is none until the kubelet listens.
        _until(state, "kubelet", lambda: answers(KUBELET_PORT, settings.node_address) and api.node_ready(NODE_NAME))
        _until(state, "coredns", lambda: answers(DNS_PORT, settings.node_address))
    _until(state, "kube-scheduler", lambda: answers(settings.scheduler_port))
    _until(state, "kube-controller-manager", lambda: answers(settings.controllers_port) and api.default_account())
    stopped = [name for name, process in running(state, settings).items() if not process]
    if stopped:
        raise ClusterError(f"ended right after their start: {', '.join(stopped)}; see {state / 'logs'}")


def _until(state: State, part: str, holds: Callable[[], object]) -> None:
    """Wait for a part; give up at once when its process ended, and show where it said why."""

    def holds_or_dead() -> bool:
        if not noted(state, part):
            raise ClusterError(f"{part} ended; see {state / 'logs' / part}.log")
        return bool(holds())

    until(holds_or_dead, part)


def _containerd_answers(state: State) -> bool:
    ctr = ["ctr", "--address", str(state.socket), "version"]
    return state.socket.exists() and subprocess.run(ctr, capture_output=True, check=False).returncode == 0


def _check_ports(settings: Settings, dead: list[str]) -> None:
    """A port that somebody else holds is told now, not found in a log later."""
    if set(dead) != set(part_names(settings)):
        return  # the rest of this cluster holds them
    taken = [str(port) for port in settings.ports if answers(port)]
    if taken:
        raise ClusterError(f"port {', '.join(taken)} is in use by another program; choose others with --port-base")


def down(state: State) -> None:
    """End the cluster and remove its state; clusters in folders below it are left alone."""
    with held(f"state-{state.key}"):
        began = time.monotonic()
        settings = Settings.read(state)
        if not settings:
            note(f"no cluster is in {state.root}")
            return
        if settings.node == "real" and os.geteuid():
            raise ClusterError("a real node was started by root, and only root can end it")
        _clear(state, settings)
        note(f"down after {time.monotonic() - began:.1f} s: {state.root}")


def _clear(state: State, settings: Settings) -> None:
    """End every process and remove every trace; the settings last, so that an interrupted try can be repeated."""
    end([*(process for process in running(state, settings).values() if process), *marked(state)])
    if settings.node == "real":
        remove_leftovers(state, settings)
        network.remove(settings)
    for name in State.OWN:
        _remove(state / name)
    Settings.forget(state)
    if state.root.exists() and not any(state.root.iterdir()):
        state.root.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
