"""What a cluster is asked to be, and the addresses that follow from it.

All addresses derive from the port base, so that clusters with different bases never meet:
their ports, their links and their pod networks differ.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from hack.cluster.places import DEFAULT_STATE, ClusterError, State, cache, down_command, write_private
from hack.cluster.trust import read_object

NodeKind = Literal["real", "kwok", "none"]

PORT_BASES: dict[NodeKind, int] = {"kwok": 16460, "none": 16480, "real": 16500}
DEFAULT_PORT_BASE = 16440
"""The port base of the default state folder, whatever its nodes; PORT_BASES are those of other folders."""

NODE_NAME = "publishbuild-node"

STEP = 20
"""Port bases lie this far apart; each cluster uses a few ports above its base."""
HIGHEST_PORT_BASE = 65_529
NETWORKS = 200
"""So many different pod networks exist; bases STEP * NETWORKS apart share theirs."""


def port_base(state: State, node: NodeKind) -> int:
    """The port base of a cluster that none was chosen for: the tests' kwok never meets a person's own."""
    return DEFAULT_PORT_BASE if state.root == DEFAULT_STATE else PORT_BASES[node]


def _register(state: State) -> Path:
    return cache() / "clusters" / f"{state.key}.json"


class UnreadableSettingsError(ClusterError):
    """A cluster is there, and nothing tells which: it can only be cleared. ``reason`` is without the command."""

    def __init__(self, state: State, reason: str) -> None:
        super().__init__(f"{reason}; clear the cluster with {down_command(state)}")
        self.reason = reason


@dataclass(frozen=True)
class Settings:
    """One cluster's settings; kept in its state folder, so that later commands need no flags."""

    node: NodeKind
    port_base: int
    kwok_nodes: int = 1

    @classmethod
    def read(cls, state: State) -> "Settings | None":
        """The settings that a state folder was brought up with, None where none was.

        Raises:
            ClusterError: what is there does not tell, and neither does the copy outside of the folder.
        """
        reason = ""
        for file in (state / "cluster.json", _register(state)):
            try:
                return cls.checked(read_object(file))
            except FileNotFoundError:
                continue
            except OSError as error:
                reason = reason or f"{file}: {error.strerror}"
            except ValueError as error:
                reason = reason or f"{file} {error}"
        if reason:
            raise UnreadableSettingsError(state, reason)
        return None

    @classmethod
    def checked(cls, values: dict[str, Any]) -> "Settings":
        """The settings in a note that a crash, a person or another version may have written.

        Raises:
            ValueError: they are none.
        """
        node, base, nodes = values.get("node"), values.get("port_base"), values.get("kwok_nodes", 1)
        if not isinstance(node, str) or node not in PORT_BASES:
            raise ValueError(f"has the node {node!r:.60}; allowed are {', '.join(PORT_BASES)}")
        if type(base) is not int or not 0 < base <= HIGHEST_PORT_BASE:
            raise ValueError(f"has the port_base {base!r:.60}; allowed is a number from 1 to {HIGHEST_PORT_BASE}")
        if type(nodes) is not int or nodes < 0:
            raise ValueError(f"has the kwok_nodes {nodes!r:.60}; allowed is a number from 0 on")
        return cls(node, base, nodes)

    @classmethod
    def of_remains(cls, state: State) -> "Settings":
        """What `down` has to know of a cluster whose settings cannot be read: its ports from the kubeconfig."""
        node: NodeKind = "real" if (state / "containerd").exists() else "none"
        try:
            server = read_object(state / "kubeconfig")["clusters"][0]["cluster"]["server"]
            return cls.checked({"node": node, "port_base": int(server.rpartition(":")[2])})
        except (OSError, ValueError, TypeError, LookupError, AttributeError):
            return cls("none", port_base(state, "none"))  # nothing was started: the kubeconfig is made before

    def write(self, state: State) -> None:
        """Remember the settings beside what they lead to, and where a lost state folder takes nothing along.

        Somebody may remove the folder of a running cluster; `down` has to know its link all the same.
        """
        for file in (_register(state), state / "cluster.json"):
            write_private(file, json.dumps(asdict(self)) + "\n")

    @staticmethod
    def forget(state: State) -> None:
        """Forget a cluster, after all that it made is gone."""
        for file in (state / "cluster.json", _register(state)):
            file.unlink(missing_ok=True)

    @property
    def api_port(self) -> int:
        """The API server's port."""
        return self.port_base

    @property
    def controllers_port(self) -> int:
        """The controller-manager's own port, for its health and metrics."""
        return self.port_base + 1

    @property
    def scheduler_port(self) -> int:
        """The scheduler's own port, for its health and metrics."""
        return self.port_base + 2

    @property
    def etcd_port(self) -> int:
        """The port that etcd serves on; the next one is for its peers, of which there are none."""
        return self.port_base + 3

    @property
    def redis_port(self) -> int:
        """The Redis server's port."""
        return self.port_base + 5

    @property
    def ports(self) -> tuple[int, ...]:
        """Every port that the cluster opens on this machine."""
        return tuple(self.port_base + offset for offset in range(6))

    @property
    def network(self) -> int:
        """The number that tells this cluster's networks from those of the others."""
        return self.port_base // STEP % NETWORKS

    @property
    def link(self) -> str:
        """The name of the node's network namespace and of the link that leads into it."""
        return f"pbuild{self.port_base}"

    @property
    def host_address(self) -> str:
        """This machine, as the node and its pods see it."""
        return f"10.245.{self.network}.1" if self.node == "real" else "127.0.0.1"

    @property
    def node_address(self) -> str:
        """The node, as this machine sees it."""
        return f"10.245.{self.network}.2"

    @property
    def link_network(self) -> str:
        """The two addresses of the link between this machine and the node."""
        return f"10.245.{self.network}.0/30"

    @property
    def pod_network(self) -> str:
        """The pods' addresses."""
        return f"10.244.{self.network}.0/24"

    @property
    def service_network(self) -> str:
        """The Services' addresses, their first one being the API server's."""
        return f"10.96.{self.network}.0/24"

    @property
    def names(self) -> tuple[str, ...]:
        """Every address and name that the cluster's certificate has to prove."""
        dns = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
        ips = ("127.0.0.1", self.host_address, self.node_address, f"10.96.{self.network}.1")
        return (*dict.fromkeys(ips), *dns, "kubernetes.default.svc.cluster.local", NODE_NAME)
