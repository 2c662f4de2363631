"""Answers a lab's guests, over HTTPS on the loopback, in a thread of the lab's keeper. Only a guest's key is let in.

| request | answer |
|---|---|
| GET /lab | what a guest must know (operations.py: Told) |
| POST /observation {"sections", "said"} | what is seen, and what the guest says (operations.py: Look); signed, in a workshop |
| GET /events | a line, {}, whenever something happens in the registries |
| POST /desk {"method", "path", "body"} | what the registries' desk answers (operations.py: Wish) |
| POST /reset {"exercises": [slug, …] or null} | lines: {"says": what is done now} …, then {"done": true} or {"failed", "fix"} |
| POST /trial {"exercise": slug, "only": [part, …]} | the same lines; "done" says whether there was anything to try |
| WebSocket /shell?machine=NAME | a command on a machine (below) |

What cannot be done is answered with {"message", "fix"}.

/shell: the first message is JSON, {"command", "terminal"} (operations.py: session). Then bytes are what is typed, and JSON is
{"end": true} (of what is typed), {"size": [rows, columns]} or {"signal": "INT"}. The answers: bytes are what was printed, the
first of them saying where (1 or 2); JSON is {"begun": true}, {"status": exit status} at the end, or {"failed", "fix"}.
"""

import asyncio
import contextlib
import json
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import tornado.httpserver
import tornado.iostream
import tornado.netutil
import tornado.web
import tornado.websocket

from labkit.errors import LabError
from labkit.lab import find
from labkit.lab.access import Session
from labkit.lab.engine.engines import Engine
from labkit.lab.engine.wire import Wire, WireError
from labkit.lab.guest.asking import LONGEST
from labkit.lab.lab import Lab
from labkit.lab.owner import operations
from labkit.paths import Home
from labkit.seen.observation import Observation

T = TypeVar("T")

HERE = "127.0.0.1"
THREADS = 32
"""How many requests are answered at the same time."""


class Threads:
    """Who answers, in threads of its own."""

    def __init__(self, threads: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(threads, name)

    async def do(self, what: Callable[[], T]) -> T:
        """Does it in one of these threads."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, what)

    def used(self) -> None:
        """Is called when a guest does something: for whoever wants to know."""

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


class Service(Threads):
    """The owner's side of one lab. Its threads are its own, so that the guests of one lab do not wait for another's."""

    def __init__(self, engine: Engine, home: Home, threads: int = THREADS) -> None:
        super().__init__(threads, f"labkit-guests-{home.name}")
        self.engine, self.home = engine, home

    def observed(self, seen: Observation) -> None:
        """Is called with each observation that a guest gets: for whoever wants to keep it."""

    def lab(self) -> Lab:
        """The lab as it is now. Raises LabError."""
        lab = find.on(self.engine, self.home)
        if lab is None:
            raise LabError("The lab is not running.", "ask its owner: labkit up")
        return lab

    def app(self) -> tornado.web.Application:
        given = {"service": self}
        return tornado.web.Application(
            [
                ("/lab", _Told, given),
                ("/observation", _Observation, given),
                ("/events", _Events, given),
                ("/desk", _Desk, given),
                ("/reset", _Reset, given),
                ("/trial", _Trial, given),
                ("/shell", _LabShell, given),
            ],
            websocket_max_message_size=LONGEST,
            websocket_ping_interval=20,
            log_function=lambda _: None,
        )


def run(engine: Engine, home: Home, port: int, ready: Callable[[int], None]) -> None:
    """Answers until the process ends. `ready` is told the port: the one that is asked for where it is free. Raises OSError."""
    asyncio.run(_run(Service(engine, home), home.state / "pki" / "owner" / "pki", port, ready))


async def _run(service: Service, keys: Path, port: int, ready: Callable[[int], None]) -> None:
    _, number = listen(service, keys, port)
    ready(number)
    await asyncio.Event().wait()


def listen(service: Service, keys: Path, port: int) -> tuple[tornado.httpserver.HTTPServer, int]:
    """Answers that lab's guests in the running loop, at this port where it is free. Returns the server and its port. Raises
    OSError."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(keys / "lab-ca.pem"))
    tls.load_cert_chain(keys / "server.pem", keys / "server-key.pem")
    tls.verify_mode = ssl.CERT_REQUIRED
    server = tornado.httpserver.HTTPServer(service.app(), ssl_options=tls, max_body_size=LONGEST)
    try:
        sockets = tornado.netutil.bind_sockets(port, HERE)
    except OSError:
        sockets = tornado.netutil.bind_sockets(0, HERE)
    server.add_sockets(sockets)
    return server, int(sockets[0].getsockname()[1])


class Handler(tornado.web.RequestHandler):
    """Answers with JSON, and what cannot be done with {"message", "fix"}."""

    def initialize(self, service: Threads) -> None:
        self.service = service

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, LabError):
            self.set_status(409)
            self.finish({"message": error.what, "fix": error.fix})
        else:
            self.finish({"message": f"{status_code}: {error}", "fix": ""})

    def log_exception(self, *error: Any) -> None:
        if not isinstance(error[1], LabError):
            super().log_exception(*error)

    async def tell(self, value: Any) -> None:
        """A line of a continuing answer."""
        self.write(json.dumps(value) + "\n")
        await self.flush()


class _OfLab(Handler):
    service: Service


class _Told(_OfLab):
    async def get(self) -> None:
        told = await self.service.do(lambda: operations.told(self.service.lab()))
        self.finish(msgspec.json.encode(told))


class _Observation(_OfLab):
    async def post(self) -> None:
        asked = read_json(self.request.body)
        seen = await self.service.do(lambda: operations.observe(self.service.lab(), asked))
        self.service.observed(seen)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(seen.data()))  # what the machines hold may be text that only JSON's escapes can carry


class _Events(_OfLab):
    _wire: Wire | None = None

    async def get(self) -> None:
        lab = await self.service.do(self.service.lab)
        self._wire = operations.events(lab)
        loop = asyncio.get_running_loop()
        heard: asyncio.Queue[bool] = asyncio.Queue()

        def listen(wire: Wire) -> None:
            with contextlib.suppress(LabError, WireError):
                for _ in wire.lines("/events"):
                    loop.call_soon_threadsafe(heard.put_nowait, True)
            loop.call_soon_threadsafe(heard.put_nowait, False)

        threading.Thread(target=listen, args=(self._wire,), name="labkit-events", daemon=True).start()
        await self.flush()  # the headers: somebody listens
        with contextlib.suppress(tornado.iostream.StreamClosedError):
            while await heard.get():
                await self.tell({})

    def on_connection_close(self) -> None:
        if self._wire:
            self._wire.cut()


class _Desk(_OfLab):
    async def post(self) -> None:
        asked = read_json(self.request.body)
        self.service.used()
        self.finish(json.dumps(await self.service.do(lambda: operations.desk(self.service.lab(), asked))))


class Long(Handler):
    """What takes a while: its answer says step by step what is done."""

    beat: float | None = None
    """Seconds after which a line that says nothing tells that it still goes on; None for never."""

    def does(self, say: Callable[[str], None]) -> Any:
        """Does it. Returns what "done" is to say."""
        raise NotImplementedError

    async def post(self) -> None:
        self.service.used()
        loop = asyncio.get_running_loop()
        steps: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

        def say(text: str) -> None:
            loop.call_soon_threadsafe(steps.put_nowait, {"says": text})

        def work() -> None:
            done: list[Any] = []
            end = _attempt(lambda: done.append(self.does(say)))
            loop.call_soon_threadsafe(steps.put_nowait, end or {"done": done[0]})

        doing = asyncio.ensure_future(self.service.do(work))
        with contextlib.suppress(tornado.iostream.StreamClosedError):
            while True:
                try:
                    step = await asyncio.wait_for(steps.get(), self.beat)
                except TimeoutError:
                    await self.tell({})
                    continue
                await self.tell(step)
                if "says" not in step:
                    break
        await doing  # also where nobody listens any more


class _Reset(Long):
    service: Service

    def prepare(self) -> None:
        self.slugs = _slugs(self.request.body)

    def does(self, say: Callable[[str], None]) -> bool:
        operations.reset(self.service.lab(), self.slugs, say)
        return True


class _Trial(Long):
    service: Service

    def prepare(self) -> None:
        self.asked = read_json(self.request.body)

    def does(self, say: Callable[[str], None]) -> bool:
        return operations.trial(self.service.lab(), self.asked, say)


def _slugs(body: bytes) -> list[str] | None:
    """Raises LabError."""
    try:
        asked = msgspec.json.decode(body, type=dict[str, list[str] | None])
        return asked["exercises"]
    except (msgspec.MsgspecError, KeyError) as error:
        raise LabError(f"The request does not say what to reset: {error}.", "labkit reset 03-push") from error


def _attempt(do: Callable[[], object]) -> dict[str, Any] | None:
    """What went wrong, for the reader; None if nothing did."""
    try:
        do()
    except LabError as error:
        return {"failed": error.what, "fix": error.fix}
    except Exception as error:  # the guest must not wait for an answer that never comes
        return {"failed": f"The owner's service failed: {type(error).__name__}: {error}.", "fix": ""}
    return None


class Shell(tornado.websocket.WebSocketHandler):
    """A command on a machine, with what is typed and printed."""

    _session: Session | None = None
    _gone = False

    def initialize(self, service: Threads) -> None:
        self.service = service

    def begin(self, asked: Any) -> Session:
        """Runs what the first message asks for. Raises LabError."""
        raise NotImplementedError

    def check_origin(self, origin: str) -> bool:
        return False  # a browser has no business here

    async def on_message(self, message: str | bytes) -> None:
        # Awaited before the next message is taken: what is typed stays in order, and waits where the command does.
        self.service.used()
        take = partial(self._take, message, asyncio.get_running_loop())
        if failed := await self.service.do(lambda: _attempt(take)):
            await self._say(json.dumps(failed))
            self.close()

    def _take(self, message: str | bytes, loop: asyncio.AbstractEventLoop) -> None:
        session = self._session
        if session is None:
            session = self._session = self.begin(read_json(message))
            if self._gone:
                session.close()
            threading.Thread(target=self._pass_on, args=(session, loop), name="labkit-shell", daemon=True).start()
        elif isinstance(message, bytes):
            session.write(message)
        else:
            match read_json(message):
                case {"end": True}:
                    session.end_input()
                case {"size": [int(rows), int(columns)]}:
                    session.resize(rows, columns)
                case {"signal": str(name)}:
                    session.signal(name)
                case other:
                    raise LabError(f"The shell does not know the message {other!r}.", "labkit shell worker1")

    def _pass_on(self, session: Session, loop: asyncio.AbstractEventLoop) -> None:
        def say(message: str | bytes) -> None:
            asyncio.run_coroutine_threadsafe(self._say(message), loop).result()

        def work() -> None:
            say(json.dumps({"begun": True}))
            while not self._gone:
                kind, data = session.read()
                if not data:
                    say(json.dumps({"status": session.status()}))
                    return
                say(bytes([kind]) + data)

        failed = _attempt(work)
        with contextlib.suppress(RuntimeError):
            if failed:
                say(json.dumps(failed))
            loop.call_soon_threadsafe(self.close)
        session.close()

    async def _say(self, message: str | bytes) -> None:
        with contextlib.suppress(tornado.websocket.WebSocketClosedError):
            await self.write_message(message, binary=isinstance(message, bytes))

    def on_close(self) -> None:
        self._gone = True
        if session := self._session:
            asyncio.get_running_loop().run_in_executor(
                None, session.close
            )  # also where all threads of this lab are busy


class _LabShell(Shell):
    service: Service

    def begin(self, asked: Any) -> Session:
        return operations.session(self.service.lab(), self.get_query_argument("machine", ""), asked)


def read_json(message: str | bytes) -> Any:
    """Raises LabError."""
    try:
        return json.loads(message)
    except (ValueError, RecursionError) as error:
        raise LabError(f"This is not JSON: {error}.", "compare labkit --version") from error
