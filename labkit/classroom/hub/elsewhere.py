"""Learners' JupyterLabs on other servers, as the classroom's JupyterHub sees them: each at a port of this machine's loopback,
from which JupyterHub and its proxy are led through the broker of the server that has the learner's lab. Other users of this
machine, who reach that port too, are not."""

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from labkit.classroom.broker.fleet import Fleet
from labkit.classroom.broker.labs import Jupyters
from labkit.classroom.hub import peers, pipes
from labkit.errors import LabError
from labkit.lab.engine.engines import Say

LOG = logging.getLogger(__name__)

T = TypeVar("T")

MOST = 256
"""Connections to one JupyterLab at the same time. Each costs this process two open files, and it needs some for everybody."""


@dataclass
class _Open:
    """A learner's JupyterLab elsewhere."""

    at: str
    there: Jupyters
    listening: asyncio.Server
    tasks: set["asyncio.Task[Any]"]
    """Connections that are led there now."""

    @property
    def port(self) -> int:
        return int(self.listening.sockets[0].getsockname()[1])


class Elsewhere:
    """Use it as a context manager: at its end they all end. Every method may be called by any thread."""

    def __init__(self, fleet: Fleet, happened: Callable[[str], None] = lambda _: None) -> None:
        """`happened` is told in a sentence what somebody should know who looks after the servers."""
        self._fleet, self._happened = fleet, happened
        self._open: dict[str, _Open] = {}
        self._lock = threading.Lock()
        self._asks = peers.known()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="labkit-elsewhere", daemon=True)

    def __enter__(self) -> "Elsewhere":
        if not self._asks:
            LOG.warning(
                "This system does not say who connects: every user of this machine is led to learners' JupyterLabs."
            )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """A broker that does not answer ends its own when it has not been asked for long."""
        with self._lock:
            there = list(self._open)
        with ThreadPoolExecutor(16, "labkit-elsewhere") as pool:
            list(pool.map(self._quietly, there))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _quietly(self, learner: str) -> None:
        with contextlib.suppress(LabError):
            self.stop(learner)

    def at(self, learner: str) -> str:
        """The server that has the learner's lab, and where their JupyterLab is to be; "" for the Hub's own. Raises LabError."""
        name, there = self._fleet.jupyters(learner)
        return name if there else ""

    def start(self, learner: str, environment: Mapping[str, str], hub: int, say: Say = lambda _: None) -> int:
        """Starts the JupyterLab where the lab is, and returns the port of the loopback that leads there. `environment` and
        `hub` as in jupyters.py. Raises LabError."""
        name, there = self._fleet.jupyters(learner)
        if there is None:
            raise LabError(f"{learner}'s lab is on this server.", "start JupyterLab here")
        with contextlib.suppress(LabError):
            self.stop(learner)
        there.start(learner, environment, hub, say)
        opened = self._do(self._listen(name, there, learner))
        with self._lock:
            self._open[learner] = opened
        return opened.port

    def runs(self, learner: str) -> bool:
        """Whether it is there, as far as is known: a server that is silent for a moment still has it."""
        with self._lock:
            opened = self._open.get(learner)
        if opened is None:
            return False
        why = self._gone(learner, opened)
        if why:
            self._close(opened)
            self._forget(learner, opened)
            self._happened(f"{learner}'s JupyterLab on {opened.at} is over: {why}")
        return not why

    def _gone(self, learner: str, opened: _Open) -> str:
        if self._fleet.lost(opened.at):
            return "the server does not answer. It opens again where their lab is."
        try:
            if self._fleet.at(learner) != opened.at:
                return "their lab is on another server now."
            return "" if opened.there.runs(learner) else "it has ended there."
        except LabError:
            return ""

    def stop(self, learner: str) -> None:
        """Ends it. Raises LabError where its server does not answer: nothing leads there any more in any case."""
        with self._lock:
            opened = self._open.get(learner)
        if opened is None:
            return
        self._close(opened)
        try:
            if not self._fleet.lost(opened.at):
                opened.there.end(learner)
        finally:  # not before: a classroom that ends meanwhile waits for it
            self._forget(learner, opened)

    # How it is done

    def _do(self, what: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result()

    async def _listen(self, name: str, there: Jupyters, learner: str) -> _Open:
        tasks: set[asyncio.Task[Any]] = set()

        async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            here = pipes.Streams(reader, writer)
            try:
                if len(tasks) > MOST or (self._asks and peers.owner(writer.get_extra_info("socket")) != os.geteuid()):
                    return
                with contextlib.suppress(LabError):  # JupyterHub's proxy says to whoever has asked that nothing answers
                    await pipes.join(here, await there.connect(learner))
            finally:
                here.cut()

        return _Open(name, there, await asyncio.start_server(lead, "127.0.0.1", 0), tasks)

    def _forget(self, learner: str, opened: _Open) -> None:
        with self._lock:
            if self._open.get(learner) is opened:
                del self._open[learner]

    def _close(self, opened: _Open) -> None:
        async def close() -> None:
            opened.listening.close()
            going = list(opened.tasks)
            for task in going:
                task.cancel()
            await asyncio.gather(*going, return_exceptions=True)
            for _ in range(5):
                await asyncio.sleep(0)  # what was cut is gone with the loop's next rounds

        self._do(close())
