"""Enough of Redis's protocol (RESP 2) to tell commands and replies apart in a stream of bytes."""

from __future__ import annotations

Value = bytes | list["Value"] | None


class Resp:
    """Collects bytes and gives back whole values with the bytes that they were made of."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[tuple[Value, bytes]]:
        """All values that are whole now, in order."""
        self._buffer += data
        found: list[tuple[Value, bytes]] = []
        while self._buffer:
            try:
                value, end = _read(self._buffer, 0)
            except IndexError:
                break
            found.append((value, self._buffer[:end]))
            self._buffer = self._buffer[end:]
        return found


def _read(data: bytes, start: int) -> tuple[Value, int]:
    """The value that begins at ``start``, and where it ends; IndexError where it is not whole."""
    line_end = data.find(b"\r\n", start)
    if line_end < 0:
        raise IndexError
    kind, rest, after = data[start : start + 1], data[start + 1 : line_end], line_end + 2
    if kind == b"$":
        length = int(rest)
        if length < 0:
            return None, after
        if len(data) < after + length + 2:
            raise IndexError
        return data[after : after + length], after + length + 2
    if kind == b"*":
        items: list[Value] = []
        for _ in range(int(rest)):
            item, after = _read(data, after)
            items.append(item)
        return items, after
    return rest, after


def words(value: Value) -> list[bytes]:
    """A command's words."""
    return [word for word in value if isinstance(word, bytes)] if isinstance(value, list) else []
