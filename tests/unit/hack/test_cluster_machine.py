"""Which Debian packages a cluster asks for."""

from hack.cluster.machine import missing_packages


def test_a_complete_machine_needs_nothing() -> None:
    """Nothing is installed where every program is there."""
    assert missing_packages("real", lambda _: True) == []


def test_a_real_node_needs_all_its_packages_once() -> None:
    """A bare machine gets each package named once, though one may bring several programs."""
    packages = missing_packages("real", lambda _: False)
    assert len(packages) == len(set(packages))
    assert {"containerd", "runc", "containernetworking-plugins", "iptables", "redis-server"} <= set(packages)


def test_only_what_is_missing_is_named() -> None:
    """A package whose programs are there is not asked for again."""
    assert missing_packages("real", lambda program: program != "conntrack") == ["conntrack"]


def test_pretended_nodes_need_redis_alone() -> None:
    """A kwok cluster asks for nothing that needs root to run."""
    assert missing_packages("kwok", lambda _: False) == ["redis-server"]
