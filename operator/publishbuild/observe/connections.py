"""How many connections a port holds open, and whose go when there are too many.

Whoever opens many pays with their own: at a cap the oldest connection of the peer that has most of them is dropped. A
good request takes milliseconds, so it is answered long before it is the oldest, also one that shares its address with
a flood (an ingress, a node).
"""

from __future__ import annotations

from collections import Counter
from typing import Protocol

# A few kilobytes each. Ten thousand builds report in turn, and Prometheus, kubelets and proxies have a handful.
MOST = 256
MOST_OF_A_PEER = 64


class Droppable(Protocol):
    """A connection."""

    def drop(self, reason: str) -> None:
        """Close it at once, whatever is under way on it; ``reason`` is the one that is counted."""
        ...


class Connections:
    """Those that are open, by the peer's address, the oldest first; ``dropped`` counts by reason."""

    def __init__(self, most: int = MOST, most_of_a_peer: int = MOST_OF_A_PEER) -> None:
        self._most = most
        self._most_of_a_peer = most_of_a_peer
        self._by_peer: dict[str, dict[Droppable, None]] = {}
        self._peers: dict[Droppable, str] = {}
        self.dropped: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._peers)

    def admit(self, connection: Droppable, peer: str) -> None:
        """Take in a new connection, which another one may have to make room for."""
        own = self._by_peer.get(peer, {})
        if len(own) >= self._most_of_a_peer:
            next(iter(own)).drop("peer cap")
        elif len(self) >= self._most:
            greediest = max(self._by_peer, key=lambda name: len(self._by_peer[name]))
            next(iter(self._by_peer[greediest])).drop("cap")
        self._by_peer.setdefault(peer, {})[connection] = None
        self._peers[connection] = peer

    def forget(self, connection: Droppable) -> None:
        """The connection is closed; saying so twice does no harm."""
        peer = self._peers.pop(connection, None)
        if peer is None:
            return
        own = self._by_peer[peer]
        del own[connection]
        if not own:
            del self._by_peer[peer]

    def drop_all(self) -> None:
        """Close all."""
        for connection in list(self._peers):
            connection.drop("shutdown")
