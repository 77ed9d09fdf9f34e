"""Ports for servers that are started later."""

from __future__ import annotations

import random
import socket

# Below the ports that the kernel gives to outgoing connections: one of those might take the port before its server
# starts, or while it is stopped for a moment.
LOWEST, HIGHEST = 20_000, 32_000


def free_port(highest: int = HIGHEST) -> int:
    """A port on which nobody listens, at any address."""
    while True:
        port = random.SystemRandom().randrange(LOWEST, highest)
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
            except OSError:
                continue
        return port
