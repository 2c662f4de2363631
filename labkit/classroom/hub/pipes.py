"""Carries bytes between two connections, both ways, until either ends. Whatever is said over them passes: HTTP, WebSockets."""

import asyncio
import contextlib
import socket
from typing import Protocol

import tornado.iostream

AT_ONCE = 64 * 1024
"""Bytes that are carried at a time: a sender waits for whoever reads slowly."""

QUIET, BETWEEN, TIMES = 30, 10, 3
"""After so many seconds of silence the system asks whether the other side is still there: so often, with so many seconds in
between. A kernel may be silent for hours; a server that lost its power is silent for ever."""


GOODBYE = 30.0
"""Seconds that whoever reads slowly gets for the rest of it."""


class End(Protocol):
    """One end of a pipe."""

    async def read(self) -> bytes:
        """b"" at the end."""

    async def write(self, data: bytes) -> None: ...

    async def close(self) -> None:
        """When what was written has been sent."""

    def cut(self) -> None:
        """At once."""


class Streams:
    """An end that asyncio opened."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        keep_asking(writer.get_extra_info("socket"))

    async def read(self) -> bytes:
        return await self._reader.read(AT_ONCE)

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):  # TimeoutError too
            await asyncio.wait_for(self._writer.wait_closed(), GOODBYE)

    def cut(self) -> None:
        self._writer.transport.abort()


class Taken:
    """An end that was taken over from Tornado's server."""

    def __init__(self, stream: tornado.iostream.IOStream) -> None:
        self._stream = stream
        stream.set_nodelay(True)  # as asyncio does: else each small answer waits 40 ms for an acknowledgement
        keep_asking(stream.socket)

    async def read(self) -> bytes:
        try:
            return await self._stream.read_bytes(AT_ONCE, partial=True)
        except tornado.iostream.StreamClosedError:
            return b""

    async def write(self, data: bytes) -> None:
        try:
            await self._stream.write(data)
        except tornado.iostream.StreamClosedError as error:
            raise ConnectionResetError("closed") from error

    async def close(self) -> None:
        self._stream.close()  # each write has waited until it was sent

    def cut(self) -> None:
        self._stream.close()


async def join(one: End, other: End) -> None:
    """Carries until either ends or fails, or until it is cancelled; then both are closed."""
    ways = [asyncio.ensure_future(_carry(*pair)) for pair in ((one, other), (other, one))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(one.close(), other.close(), *ways, return_exceptions=True)
    finally:
        for way in ways:
            way.cancel()
        one.cut()
        other.cut()


async def _carry(source: End, sink: End) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read():
            await sink.write(data)


def keep_asking(connection: socket.socket | None) -> None:
    """Lets the system find out that the other side is gone without a word. A socket of this machine needs that not."""
    if connection is None or connection.family not in (socket.AF_INET, socket.AF_INET6):
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", QUIET), ("TCP_KEEPINTVL", BETWEEN), ("TCP_KEEPCNT", TIMES)):
        if hasattr(socket, option):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
