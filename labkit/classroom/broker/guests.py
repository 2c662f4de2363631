"""Answers the guests of all labs in one process: each lab at a port of its own, with its own keys and threads."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import tornado.httpserver

from labkit.errors import LabError
from labkit.lab.engine.engines import Engine
from labkit.lab.lifecycle import keeper
from labkit.lab.owner import service
from labkit.paths import Home
from labkit.seen.observation import Observation
from labkit.work import keeping

T = TypeVar("T")

THREADS = 4
"""Requests of one lab's guests that are answered at the same time."""


class _Service(service.Service):
    """One lab's, which tells the broker what its guests do."""

    def __init__(self, engine: Engine, home: Home, heard: "Heard") -> None:
        super().__init__(engine, home, THREADS)
        self._heard = heard

    def used(self) -> None:
        self._heard.used(self.home.name)

    def observed(self, seen: Observation) -> None:
        self._heard.observed(self.home.name, seen)


@dataclass(frozen=True)
class Heard:
    """Whom to tell that a lab's guest did something, and what a guest was told of the lab. Both are called in the thread of all
    guests: they return at once."""

    used: Callable[[str], None]
    observed: Callable[[str, Observation], None]


@dataclass
class _Answering:
    service: _Service
    server: tornado.httpserver.HTTPServer
    port: int
    authority: bytes
    """Whose keys are let in: those of another start of the lab are not."""


class Guests:
    """Use it as a context manager. Each method may be called by any thread."""

    def __init__(self, engine: Engine, heard: Heard) -> None:
        self._engine, self._heard = engine, heard
        self._answering: dict[str, _Answering] = {}
        self._loop: asyncio.AbstractEventLoop
        self._thread: threading.Thread

    def __enter__(self) -> "Guests":
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="labkit-guests", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._answering):
            self.leave(name)
        self._do(self._settle())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def answer(self, home: Home) -> str:
        """Answers the guests of that home's lab from now on, at the port where they were answered before if it is free. Returns
        the address. Raises LabError."""
        keys = home.state / "pki" / "owner" / "pki"
        try:
            authority = (keys / "lab-ca.pem").read_bytes()
            there = self._answering.get(home.name)
            if there and there.authority == authority:
                return _address(there.port)
            self.leave(home.name)
            made = self._do(self._listen(home, authority))
            keeping.write_whole(home.state / keeper.GUESTS, f"{made.port}\n")
        except OSError as error:
            raise LabError(
                f"Nobody can answer the guests of {home.name}: {error}.",
                "labkit classroom labs   (shows how it stands)",
            ) from error
        self._answering[home.name] = made
        return _address(made.port)

    def leave(self, name: str) -> None:
        """Answers that lab's guests no more."""
        if made := self._answering.pop(name, None):
            self._do(_close(made))

    def _do(self, what: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result()

    async def _listen(self, home: Home, authority: bytes) -> _Answering:
        made = _Service(self._engine, home, self._heard)
        server, port = service.listen(made, home.state / "pki" / "owner" / "pki", keeper.port(home) or 0)
        return _Answering(made, server, port, authority)

    async def _settle(self) -> None:
        """What still answers is ended."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*others, return_exceptions=True)


async def _close(made: _Answering) -> None:
    made.server.stop()
    await made.server.close_all_connections()
    made.service.close()


def _address(port: int) -> str:
    return f"https://{service.HERE}:{port}"
