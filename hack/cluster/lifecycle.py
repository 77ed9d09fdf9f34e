"""Up and down: from whatever is there to a cluster that serves, and back to a clean machine."""

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

from hack.cluster import conflicts, machine, network
from hack.cluster.api import Api
from hack.cluster.images import pause_archive
from hack.cluster.leftovers import remove_leftovers
from hack.cluster.locks import held
from hack.cluster.parts import Programs, running
from hack.cluster.places import ClusterError, State
from hack.cluster.processes import PROC, end, marked
from hack.cluster.progress import note
from hack.cluster.settings import Settings, UnreadableSettingsError
from hack.cluster.starting import BOOT_NOTE, start_parts


def up(state: State, wanted: Settings) -> None:
    """Bring a cluster up, or what is missing of it; nothing happens where all of it runs."""
    with held(f"state-{state.key}"):
        began = time.monotonic()
        settings = _reconciled(state, wanted)
        if settings and _serves(state, settings):
            note(f"already up, in {state.root}")
            return
        conflicts.check(state, wanted)
        machine.install_missing(wanted.node)
        programs = Programs.prepare(wanted)
        if wanted.node == "real":
            pause_archive()
        began = time.monotonic() if not settings else began
        start_parts(state, wanted, programs, fresh=settings is None)
        note(f"up after {time.monotonic() - began:.1f} s, in {state.root}")


def _serves(state: State, settings: Settings) -> bool:
    """Whether nothing is missing of a cluster."""
    parts = all(running(state, settings).values())
    return parts and (settings.node != "real" or network.exists(settings)) and Api(state, settings).ready()


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
        conflicts.check(state, wanted)  # says what is up there
    if there != wanted or _older_than_the_machine(state):
        note("clearing what an earlier cluster left")
        _clear(state, there)
        return None
    return there


def _older_than_the_machine(state: State) -> bool:
    """Whether the machine was started after the cluster: then the store, never synced, may be torn."""
    boot = PROC / "sys/kernel/random/boot_id"
    note_file = state / BOOT_NOTE
    if not boot.exists():
        return False
    return not note_file.exists() or note_file.read_text(encoding="utf-8") != boot.read_text(encoding="utf-8")


def is_up(state: State) -> bool:
    """Whether any part of the cluster runs; one that crashed counts as up, as its user may want to look at it."""
    try:
        settings = Settings.read(state)
    except UnreadableSettingsError:
        settings = Settings.of_remains(state)
    return bool(settings and any(running(state, settings).values()))


def down(state: State, why: str = "") -> None:
    """End the cluster and remove its state; clusters in folders below it are left alone."""
    with held(f"state-{state.key}"):
        began = time.monotonic()
        settings = _to_clear(state)
        if not settings:
            note(f"no cluster is in {state.root}")
            return
        if settings.node == "real" and os.geteuid():
            raise ClusterError("a real node was started by root, and only root can end it")
        _clear(state, settings)
        note(f"down after {time.monotonic() - began:.1f} s{why}: {state.root}")


def _to_clear(state: State) -> Settings | None:
    """The settings of a cluster that is to end, guessed from what is there where they cannot be read."""
    try:
        return Settings.read(state)
    except UnreadableSettingsError as error:
        note(f"clears what it finds, since {error.reason}")
        return Settings.of_remains(state)


def _clear(state: State, settings: Settings) -> None:
    """End every process and remove every trace; the settings last, so that an interrupted try can be repeated."""
    end([*(process for process in running(state, settings).values() if process), *marked(state)])
    if settings.node == "real":
        remove_leftovers(state, settings)
        network.remove(settings)
    for name in State.OWN:
        _remove(state / name)
    _remove(state / "cluster.json")
    Settings.forget(state)
    if state.root.exists() and not any(state.root.iterdir()):
        with suppress(OSError):  # a mount, or in a folder that is not ours to change
            state.root.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
