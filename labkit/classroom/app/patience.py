"""How long the classroom waits for a request: uvicorn itself waits for ever for one that has begun and does not come."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD = 30.0
"""Seconds in which the head of a connection's next request has come. Who says nothing, or a letter now and then, takes the
place of somebody else: a process has a thousand. The body is security.Guard's matter."""


class Patient(H11Protocol):
    """Cuts a connection that no request comes on."""

    _waits: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._begin()

    def on_response_complete(self) -> None:
        self._begin()  # first: the next request may be there already
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waits:
            self._waits.cancel()
        super().connection_lost(exc)

    def _begin(self) -> None:
        if self._waits:
            self._waits.cancel()
        self._waits = self.loop.call_later(HEAD, self._look)

    def _look(self) -> None:
        cycle: Any = self.cycle
        here = self in self.connections  # and not a WebSocket's by now
        if here and (cycle is None or cycle.response_complete):
            self.transport.abort()
