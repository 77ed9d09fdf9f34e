"""The node's network: a namespace of its own, joined to this machine by one link.

Everything that Kubernetes does to a network, its bridge, its hundreds of iptables rules, its
connection tracking, happens inside this namespace, so that several clusters and the machine's
own firewall never meet, and taking it all away means to delete the namespace. Outside remain
the link and three rules, which carry the link's name, for what pods say to the world.
"""

import subprocess
from pathlib import Path

from hack.cluster.places import ClusterError
from hack.cluster.settings import Settings

FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
FORWARDING_BEFORE = Path("/run/publishbuild-ip-forward")
"""What the machine's forwarding was before the first cluster; the last one to go puts it back."""

NAMESPACES = Path("/run/netns")
INNER_LINK = "machine0"


def inside(settings: Settings, argv: list[str]) -> list[str]:
    """A command line that runs in the node's network, and shares all else with this machine."""
    return ["nsenter", f"--net={NAMESPACES / settings.link}", "--", *argv]


def run(*argv: str, check: bool = True) -> str:
    """Run a short command quietly; its words are part of the error when it fails."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise ClusterError(f"{' '.join(argv)}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def exists(settings: Settings) -> bool:
    """Whether the namespace and the link are both there."""
    return (NAMESPACES / settings.link).exists() and Path("/sys/class/net", settings.link).exists()


def make(settings: Settings) -> None:
    """Make the namespace, the link, the routes into it and the rules for the way out of it."""
    remove(settings)
    name = settings.link
    run("ip", "netns", "add", name)
    run("ip", "link", "add", name, "type", "veth", "peer", "name", INNER_LINK, "netns", name)
    run("ip", "addr", "add", f"{settings.host_address}/30", "dev", name)
    run("ip", "link", "set", name, "up")
    run("ip", "-n", name, "addr", "add", f"{settings.node_address}/30", "dev", INNER_LINK)
    for device in ("lo", INNER_LINK):
        run("ip", "-n", name, "link", "set", device, "up")
    run("ip", "-n", name, "route", "add", "default", "via", settings.host_address)
    for network in (settings.pod_network, settings.service_network):
        run("ip", "route", "add", network, "via", settings.node_address)
    run(*inside(settings, ["sh", "-c", f"echo 1 > {FORWARDING}"]))
    _let_out(settings)


def _let_out(settings: Settings) -> None:
    before = FORWARDING.read_text(encoding="utf-8")
    if not FORWARDING_BEFORE.exists():
        FORWARDING_BEFORE.write_text(before, encoding="utf-8")
    if before.strip() != "1":
        FORWARDING.write_text("1\n", encoding="utf-8")
    for table, rule in _rules(settings):
        run("iptables", "-w", "-t", table, "-I", *rule)


def _rules(settings: Settings) -> list[tuple[str, list[str]]]:
    name = ["-m", "comment", "--comment", settings.link]
    return [
        ("filter", ["FORWARD", "-i", settings.link, *name, "-j", "ACCEPT"]),
        ("filter", ["FORWARD", "-o", settings.link, *name, "-j", "ACCEPT"]),
        (
            "nat",
            ["POSTROUTING", "-s", settings.link_network, "!", "-o", settings.link, *name, "-j", "MASQUERADE"],
        ),
    ]


def remove(settings: Settings) -> None:
    """Take away whatever is there of it; everything that lived inside must have ended before."""
    for table, rule in _rules(settings):
        while (
            subprocess.run(["iptables", "-w", "-t", table, "-D", *rule], capture_output=True, check=False).returncode
            == 0
        ):
            pass
    run("ip", "link", "del", settings.link, check=False)
    run("ip", "netns", "del", settings.link, check=False)
    if FORWARDING_BEFORE.exists() and not list(Path("/sys/class/net").glob("pbuild*")):
        FORWARDING.write_text(FORWARDING_BEFORE.read_text(encoding="utf-8"), encoding="utf-8")
        FORWARDING_BEFORE.unlink()
