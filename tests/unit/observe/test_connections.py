"""Whose connection goes when there are too many."""

from __future__ import annotations

from publishbuild.observe.connections import Connections


class One:
    """A connection that notes why it was dropped."""

    def __init__(self, connections: Connections, peer: str) -> None:
        self.dropped = ""
        self._connections = connections
        connections.admit(self, peer)

    def drop(self, reason: str) -> None:
        self.dropped = reason
        self._connections.forget(self)


def test_the_oldest_of_a_peer_makes_room_for_its_newest() -> None:
    """A peer at its cap loses its oldest connection, and nobody else loses one."""
    connections = Connections(most=10, most_of_a_peer=2)
    other, *own = [One(connections, "b"), *(One(connections, "a") for _ in range(4))]
    assert [one.dropped for one in own] == ["peer cap", "peer cap", "", ""]
    assert other.dropped == ""
    assert len(connections) == 3


def test_who_has_most_makes_room_for_a_newcomer() -> None:
    """At the cap of the port the peer with the most connections loses one, never the one that has a single one."""
    connections = Connections(most=4, most_of_a_peer=3)
    first = One(connections, "probe")
    many = [One(connections, "a") for _ in range(3)]
    newcomer = One(connections, "b")
    assert [one.dropped for one in many] == ["cap", "", ""]
    assert first.dropped == newcomer.dropped == ""
    assert len(connections) == 4


def test_any_number_of_connections_leaves_as_many_as_allowed() -> None:
    """Whatever the peers, no more are open than the port may have, and one that is closed twice counts once."""
    connections = Connections(most=5, most_of_a_peer=3)
    made = [One(connections, str(number % 7)) for number in range(100)]
    assert len(connections) == 5
    for one in made:
        connections.forget(one)
        connections.forget(one)
    assert len(connections) == 0
