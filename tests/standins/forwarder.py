"""Listens on 127.0.0.1:3000 inside the pod and passes every byte to the stand-in's Service.

``EXPO_LOCAL=1`` nails eas-cli to that address, and the stand-in runs in another pod. Part of the test image only.
"""

from __future__ import annotations

import asyncio
import contextlib


async def forward(target_host: str, target_port: int, host: str = "127.0.0.1", port: int = 3000) -> asyncio.Server:
    """Start to forward; the returned server runs until it is closed."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(target_host, target_port)
        except OSError:
            # The program sees a closed connection, as it would from a service that is down.
            writer.close()
            return
        await asyncio.gather(_pipe(reader, far_writer), _pipe(far_reader, writer))

    return await asyncio.start_server(connected, host, port)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the sender is done, then let the receiver know."""
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()
        await writer.wait_closed()
