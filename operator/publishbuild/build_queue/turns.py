"""Whose turn it is: which namespace launched a build how long ago.

Kept in memory and made anew from the builds' start times when an operator begins to lead, so that neither a restart nor
the loss of Redis gives a namespace that floods the queue a second first turn.
"""

from __future__ import annotations

from collections.abc import Iterable

# So many namespaces are remembered; of more, those that launched longest ago count as if they never had.
_REMEMBERED = 10_000


class Turns:
    """A number for each namespace that grows with the time of its last launch."""

    def __init__(self) -> None:
        self._turns: dict[str, int] = {}
        self._latest = 0

    def launched(self, namespace: str) -> None:
        """The namespace has had its turn."""
        self._turns.pop(namespace, None)
        self._latest += 1
        self._turns[namespace] = self._latest
        if len(self._turns) > _REMEMBERED:
            # A dict keeps the order in which keys came, so the first one launched longest ago.
            del self._turns[next(iter(self._turns))]

    def begin(self, namespaces: Iterable[str]) -> None:
        """Forget all, and take ``namespaces`` in the order of their last launch, the longest ago first."""
        self._turns.clear()
        for namespace in namespaces:
            self.launched(namespace)

    def of(self, namespace: str) -> int:
        """Its number, 0 where it has not launched any."""
        return self._turns.get(namespace, 0)
