"""What may happen to the lines of one watch: dropped, doubled, out of order, cut, or nothing more comes."""

from __future__ import annotations

from tests.faults.fault_box import FaultBox
from tests.faults.plan import Do, When

_GONE = (
    b'{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",'
    b'"message":"too old resource version: injected","reason":"Expired","code":410}}\n'
)


class WatchFaults:
    """One watch of ``resource`` by the operator ``by``. ``silent``: it is open, and nothing is passed on."""

    def __init__(self, faults: FaultBox, resource: str, *, by: str, silent: bool) -> None:
        self._faults, self._by = faults, by
        self._point = f"event {resource}"
        self._held: list[bytes] = []
        self.silent = silent
        self.cut = False
        self.killed = False

    def take(self, line: bytes) -> list[bytes]:
        """What the operator gets for this line of the server's."""
        if self.silent:
            return []
        fault = None if b'"BOOKMARK"' in line[:64] else self._faults.due(self._point, When.BEFORE, by=self._by)
        if fault is None:
            held, self._held = self._held, []
            return [line, *held]
        match fault.do:
            case Do.DOUBLE:
                return [line, line]
            case Do.REORDER:
                # It comes after the next one.
                self._held.append(line)
            case Do.GONE:
                self.cut = True
                return [_GONE]
            case Do.CUT:
                self.cut = True
                return [line[: len(line) // 2]]
            case Do.SILENCE:
                self.silent = True
            case Do.KILL:
                self.killed = True
        return []
