"""A command on a machine, asked for over the owner's service."""

import asyncio
import contextlib
import json
import queue
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import tornado.httpclient
import tornado.websocket

from labkit.errors import LabError
from labkit.lab.access import STDOUT, Terminal
from labkit.lab.engine.wire import tls_context
from labkit.lab.guest.asking import address, silent

PATIENCE = 20.0
WAITING = 64
"""Hold at most this many pieces of output for a slow reader; then the command waits."""


class OwnerSession:
    """See labkit.lab.access.Session. Talks to the owner in its own thread."""

    def __init__(
        self,
        owner: str,
        keys: Path,
        machine: str,
        command: Sequence[str],
        terminal: Terminal | None,
        **more: str,
    ) -> None:
        """`more` says whose machine it is, to who has many labs. Raises LabError."""
        self._printed: queue.Queue[tuple[int, bytes]] = queue.Queue(WAITING)
        self._end: dict[str, Any] = {}
        self._begun = threading.Event()
        self._closed = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="labkit-session", daemon=True)
        self._thread.start()
        host, port = address(owner)
        request = tornado.httpclient.HTTPRequest(
            f"wss://{host}:{port}/shell?{urlencode({'machine': machine, **more})}",
            ssl_options=tls_context(keys),
            connect_timeout=PATIENCE,
        )
        try:
            self._socket = self._do(_connect(request))
        except (OSError, tornado.httpclient.HTTPError) as error:
            self._stop()
            raise silent(owner, error) from error
        self._reader = threading.Thread(target=self._listen, name="labkit-session-output", daemon=True)
        self._reader.start()
        self._say(json.dumps({"command": list(command), "terminal": terminal and asdict(terminal)}))
        self._begun.wait(PATIENCE)
        if failed := self._end.get("failed"):
            self.close()
            raise LabError(failed, self._end.get("fix", ""))

    def _do(self, what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result()

    def _say(self, message: str | bytes) -> None:
        async def say() -> None:
            await self._socket.write_message(message, binary=isinstance(message, bytes))

        if not self._closed:
            with contextlib.suppress(tornado.websocket.WebSocketClosedError):
                self._do(say())

    def _listen(self) -> None:
        async def next_message() -> str | bytes | None:
            message: str | bytes | None = await self._socket.read_message()
            return message

        while not self._closed and (message := self._do(next_message())) is not None:
            if isinstance(message, bytes):
                self._printed.put((message[0], message[1:]))
                continue
            told = json.loads(message)
            if "begun" in told:
                self._begun.set()
            else:
                self._end = told
        self._begun.set()
        self._printed.put((STDOUT, b""))

    def read(self) -> tuple[int, bytes]:
        return self._printed.get()

    def write(self, data: bytes) -> None:
        self._say(data)

    def end_input(self) -> None:
        self._say('{"end": true}')

    def resize(self, rows: int, columns: int) -> None:
        self._say(json.dumps({"size": [rows, columns]}))

    def signal(self, name: str) -> None:
        self._say(json.dumps({"signal": name}))

    def status(self) -> int:
        if "status" in self._end:
            return int(self._end["status"])
        lost = "The connection to the lab's owner was lost."
        raise LabError(self._end.get("failed", lost), self._end.get("fix", "labkit status"))

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._loop.call_soon_threadsafe(self._socket.close)
        while self._reader.is_alive():
            with contextlib.suppress(queue.Empty):
                self._printed.get(timeout=0.05)
        self._stop()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _connect(request: tornado.httpclient.HTTPRequest) -> tornado.websocket.WebSocketClientConnection:
    return await tornado.websocket.websocket_connect(request, ping_interval=20)
