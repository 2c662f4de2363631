"""A broker, for a classroom on another machine, over HTTPS. Only the classroom's key is let in.

| request | answer |
|---|---|
| POST /call/NAME {…} | lines: {"says": what is done now} …, {} in between, then {"done": value} or {"failed", "fix"} |
| WebSocket /shell?machine=NAME&learner=ID | a command on a machine, as a lab's owner has it (labkit/lab/owner/service.py) |
| GET /tunnel?learner=ID, Upgrade: labkit-tunnel | 101, and from then on what the learner's JupyterLab says (hub/pipes.py) |

What can be called is in calls.py. What was begun goes on where the connection is cut: asking for it again waits for it.
"""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import tornado.httpserver
import tornado.web

from labkit.classroom.broker import calls
from labkit.classroom.broker.labs import Server
from labkit.classroom.hub import pipes
from labkit.errors import LabError
from labkit.lab.access import Session
from labkit.lab.guest.asking import LONGEST
from labkit.lab.owner import operations
from labkit.lab.owner.service import Handler, Long, Shell, Threads, read_json

THREADS = 512
"""Calls that are answered at the same time: whoever waits for a start has one, and each command that does not read."""

BEAT = 5.0
"""Seconds after which a call that says nothing tells that it goes on."""


TUNNEL = "labkit-tunnel"
"""The protocol that a connection to a JupyterLab changes to."""


class _Serving(Threads):
    def __init__(self, labs: Server) -> None:
        super().__init__(THREADS, "labkit-calls")
        self.labs = labs


class _Call(Long):
    service: _Serving
    beat = BEAT

    def prepare(self) -> None:
        self._asked = read_json(self.request.body)

    def does(self, say: Callable[[str], None]) -> Any:
        return calls.answer(self.service.labs, self.request.path.rpartition("/")[2], self._asked, say)


class _Shell(Shell):
    service: _Serving

    def begin(self, asked: Any) -> Session:
        try:
            wanted = msgspec.convert(asked, operations.Command)
        except msgspec.ValidationError as error:
            raise LabError(f"This is not a command for a machine: {error}.", "compare labkit --version") from error
        learner, machine = self.get_query_argument("learner", ""), self.get_query_argument("machine", "")
        return self.service.labs.session(learner, machine, wanted.command, wanted.terminal)


class _Tunnel(Handler):
    service: _Serving

    async def get(self) -> None:
        if self.request.headers.get("Upgrade", "") != TUNNEL:
            raise LabError("This is a way to a JupyterLab, not a page.", "compare labkit --version")
        jupyters, learner = calls.jupyters(self.service.labs), self.get_query_argument("learner", "")
        there = await jupyters.connect(learner)
        try:
            here = pipes.Taken(self.detach())
            await here.write(
                f"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {TUNNEL}\r\n\r\n".encode()
            )
        except BaseException:
            there.cut()
            raise
        await pipes.join(here, there)


class Served:
    """Answers in a thread of its own while it is used as a context manager."""

    def __init__(self, labs: Server, keys: Path, opened: socket.socket) -> None:
        """`keys`: server.pem and server-key.pem, and classroom.pem, who alone is let in. `opened` listens already."""
        self._serving, self._keys, self._opened = _Serving(labs), keys, opened
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="labkit-served", daemon=True)
        self._server: tornado.httpserver.HTTPServer

    @property
    def port(self) -> int:
        return int(self._opened.getsockname()[1])

    def __enter__(self) -> "Served":
        """Raises LabError where the keys cannot be read."""
        try:
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(self._keys / "classroom.pem"))
            tls.load_cert_chain(self._keys / "server.pem", self._keys / "server-key.pem")
        except OSError as error:
            raise LabError(
                f"The broker's keys in {self._keys} cannot be read: {error}.", "join again: --join"
            ) from error
        tls.verify_mode = ssl.CERT_REQUIRED
        self._thread.start()
        self._do(self._listen(tls))
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, what: Any) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result()

    async def _listen(self, tls: ssl.SSLContext) -> None:
        given = {"service": self._serving}
        app = tornado.web.Application(
            [("/call/[a-z]+", _Call, given), ("/shell", _Shell, given), ("/tunnel", _Tunnel, given)],
            websocket_max_message_size=LONGEST,
            websocket_ping_interval=20,
            log_function=lambda _: None,
        )
        self._opened.setblocking(False)
        self._server = tornado.httpserver.HTTPServer(app, ssl_options=tls, max_body_size=LONGEST)
        self._server.add_socket(self._opened)

    async def _end(self) -> None:
        self._server.stop()
        await self._server.close_all_connections()
        self._serving.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*others, return_exceptions=True)
