"""Two things that others fill and that never grow past a bound: values for a time, and rates."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

Value = TypeVar("Value")

_MINUTE = 60.0
_MOST_RATES = 4096


class Remembered(Generic[Value]):
    """At most ``most`` values, each until its time; the one that was put longest ago goes first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[bytes, tuple[Value, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: bytes, now: float) -> Value | None:
        """The value, None where there is none or its time is over."""
        value, until = self._values.get(key, (None, 0.0))
        if value is not None and until <= now:
            del self._values[key]
            return None
        return value

    def put(self, key: bytes, value: Value, until: float) -> None:
        """Keep a value until then."""
        self._values[key] = value, until
        self._values.move_to_end(key)
        if len(self._values) > self._most:
            self._values.popitem(last=False)


class Rate:
    """So many a minute for each key, and as many at once after a rest."""

    def __init__(self, a_minute: int, most_keys: int = _MOST_RATES) -> None:
        self._a_minute = a_minute
        self._most_keys = most_keys
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._left)

    def allows(self, key: str, now: float) -> bool:
        """Whether there may be one more now, which counts then."""
        left, at = self._left.pop(key, (float(self._a_minute), now))
        left = min(self._a_minute, left + (now - at) * self._a_minute / _MINUTE)
        allowed = left >= 1
        self._left[key] = (left - 1 if allowed else left), now
        if len(self._left) > self._most_keys:
            self._left.popitem(last=False)
        return allowed
