"""What a target needs of a machine, and what is said of what is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hack.prepare.needs import PURPOSES, REAL_NODE, Machine, look, missing_packages

COMPLETE = Machine(linux=True, root=True, apt=True, venv=True, network=True, fetched=True, has=lambda _: True)
BARE = replace(COMPLETE, fetched=False, has=lambda _: False)


@pytest.mark.parametrize("name", PURPOSES)
def test_a_complete_machine_needs_nothing(name: str) -> None:
    """Nothing is installed and nothing refused where all is there, also without a network."""
    for machine in (COMPLETE, replace(COMPLETE, network=False)):
        missing = look(name, PURPOSES[name], machine)
        assert (missing.packages, missing.obstacles) == ((), ())


def test_each_package_is_named_once() -> None:
    """A package that brings several programs is asked for once."""
    packages = missing_packages(REAL_NODE, lambda _: False)
    assert len(packages) == len(set(packages))
    assert {"containerd", "runc", "containernetworking-plugins", "iptables"} <= set(packages)


def test_only_what_is_missing_is_named() -> None:
    """A package whose programs are there is not asked for again."""
    assert missing_packages(REAL_NODE, lambda program: program != "conntrack") == ("conntrack",)


def test_the_demo_asks_for_both_halves_at_once() -> None:
    """One step installs what the cluster and what the images need: two apt-gets do not go together."""
    packages = look("demo", PURPOSES["demo"], BARE).packages
    assert {"containerd", "redis-server", "buildah", "debootstrap"} <= set(packages)


def test_root_on_debian_gets_it_installed() -> None:
    """What apt can bring is no obstacle for root."""
    assert look("demo", PURPOSES["demo"], BARE).obstacles == ()


def test_a_new_user_without_network_is_told_everything_at_once() -> None:
    """Without root and network, a bare machine's owner reads all that is missing, each with its command."""
    machine = replace(BARE, root=False, network=False, venv=False)
    told = "\n".join(look("demo", PURPOSES["demo"], machine).obstacles)
    for expected in ("sudo make demo", "sudo apt-get update && sudo apt-get", "python3-venv", "buildah", "network"):
        assert expected in told


def test_pretended_nodes_need_no_root() -> None:
    """A kwok cluster asks for Redis, and for nothing that needs root to run."""
    missing = look("cluster-up NODE=kwok", PURPOSES["node-kwok"], replace(BARE, root=False))
    assert missing.packages == ("redis-server",)
    assert not any(obstacle.startswith("root") for obstacle in missing.obstacles)


def test_elsewhere_than_on_debian_packages_are_named_without_a_command() -> None:
    """A machine without apt gets the names, and no command that it does not have."""
    told = "\n".join(look("check", PURPOSES["check"], replace(BARE, apt=False)).obstacles)
    assert "redis-server" in told
    assert "apt-get" not in told
