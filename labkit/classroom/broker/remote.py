"""The labs of a broker on another machine, asked for over HTTPS (served.py). Both sides show keys that were made when it joined
(joining.py), and trust nobody else's.
"""

import asyncio
import contextlib
import json
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec

from labkit.classroom.broker import served
from labkit.classroom.broker.calls import Asked, Overview
from labkit.classroom.broker.standing import Standing
from labkit.classroom.hub import pipes
from labkit.errors import LabError
from labkit.lab.access import Session, Terminal
from labkit.lab.engine.engines import Say
from labkit.lab.engine.wire import Wire, WireError, tls_context
from labkit.lab.guest.session import OwnerSession
from labkit.lab.looking.observe import EVERYTHING
from labkit.seen import signature
from labkit.seen.claims import Claims
from labkit.seen.observation import Observation
from labkit.seen.signature import Public

T = TypeVar("T")

PATIENCE = 4 * served.BEAT
"""Seconds without a line, and nobody is there any more."""

SOON = 5.0
"""Seconds in which a server that is alive says so."""

WITHIN = 1800.0
"""Seconds in which anything is done. A broker that only ever says that it goes on holds nobody up for longer."""

LINE = 8_000_000
"""Bytes of one line of an answer: as large as an observation may be that is handed in."""

WHY = 4096
"""Bytes of an answer that says why there is no way."""


class Remote:
    """See labs.py: Server. Every method may be called by any thread; each has a connection of its own."""

    def __init__(self, name: str, address: str, keys: Path, public: Public) -> None:
        """`keys`: ca.pem, cert.pem and key.pem. `public` is whose signature observations must have. Raises LabError."""
        place = urlsplit(address)
        if place.scheme != "https" or not place.hostname:
            raise LabError(f"{address} is not a broker's address.", "it looks like https://HOST:8444")
        self.name, self.address = name, address.rstrip("/")
        self._keys, self._public, self._room = keys, public, 0
        self.jupyters = Jupyters(self)
        try:
            self._tls = tls_context(keys)
        except OSError as error:
            raise LabError(
                f"The keys for the broker {name} cannot be read: {error}.", f"labkit classroom invite-broker {name}"
            ) from error

    @property
    def room(self) -> int:
        """As it was told last."""
        return self._room

    @property
    def alive(self) -> bool:
        try:
            return self._overview(SOON, SOON).alive
        except LabError:
            return False

    def all(self) -> tuple[Standing, ...]:
        return self._overview().labs

    def _overview(self, patience: float = PATIENCE, within: float = PATIENCE) -> Overview:
        told = self._as(Overview, self.call("all", Asked(), patience=patience, within=within))
        self._room = told.room
        return told

    def start(self, learner: str, say: Say = lambda _: None) -> Standing:
        return self._standing("start", Asked(learner), say)

    def status(self, learner: str) -> Standing:
        return self._standing("status", Asked(learner))

    def access(self, learner: str, folder: Path, user: str = "") -> str:
        """Raises LabError: a broker writes an access only for the JupyterLab that it starts itself, in that learner's home. No
        classroom names it a folder."""
        raise LabError(f"{learner}'s lab is on the server {self.name}.", "open JupyterLab again: it starts there")

    def observe(self, learner: str, wanted: Sequence[str] = EVERYTHING, said: Claims | None = None) -> Observation:
        """Raises LabError too for what the workshop's key has not signed just as it came, and for another's lab."""
        told = self.call("observe", Asked(learner, sections=tuple(wanted), said=said))
        try:
            signature.check(told, self._public)
            seen = Observation.read(told)
        except (msgspec.ValidationError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._odd(error) from error
        if signature.message(seen.data()) != signature.message(told):
            raise self._odd("its observations have another form")
        if seen.lab.person.learner != learner:
            raise LabError(
                f"The broker {self.name} sent {seen.lab.person.learner}'s observation for {learner}'s.",
                "end that broker, and tell whoever looks after it",
            )
        return seen

    def reset(self, learner: str, slugs: Sequence[str] | None = None, say: Say = lambda _: None) -> None:
        self.call("reset", Asked(learner, exercises=None if slugs is None else tuple(slugs)), say)

    def session(self, learner: str, machine: str, command: Sequence[str], terminal: Terminal | None = None) -> Session:
        return OwnerSession(self.address, self._keys, machine, command, terminal, learner=learner)

    def stop(self, learner: str) -> Standing:
        return self._standing("stop", Asked(learner))

    def remove(self, learner: str) -> Standing:
        return self._standing("remove", Asked(learner))

    def extend(self, learner: str, seconds: float) -> Standing:
        return self._standing("extend", Asked(learner, seconds=seconds))

    def touch(self, learner: str) -> None:
        self.call("touch", Asked(learner))

    def teach(self, exercises: Sequence[str]) -> None:
        self.call("teach", Asked(exercises=tuple(exercises)))

    async def tunnel(self, learner: str) -> pipes.End:
        """A connection to that learner's JupyterLab (served.py: /tunnel). Raises LabError."""
        place = urlsplit(self.address)
        asked = f"GET /tunnel?{urlencode({'learner': learner})} HTTP/1.1\r\nHost: {place.netloc}\r\n"
        try:
            opening = asyncio.open_connection(place.hostname, place.port or 443, ssl=self._tls)
            reader, writer = await asyncio.wait_for(opening, SOON)
            try:
                writer.write(f"{asked}Connection: Upgrade\r\nUpgrade: {served.TUNNEL}\r\n\r\n".encode())
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
                if head.startswith(b"HTTP/1.1 101 "):
                    return pipes.Streams(reader, writer)
                raise self._no_tunnel(await asyncio.wait_for(reader.read(WHY), PATIENCE))
            except BaseException:
                writer.transport.abort()
                raise
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise self._silent(WireError(f"{self.address}: {error or type(error).__name__}", cause=error)) from error

    def _no_tunnel(self, body: bytes) -> LabError:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            told = json.loads(body)
            return LabError(str(told["message"]), str(told["fix"]))
        return self._odd("no way to a JupyterLab")

    def _standing(self, name: str, asked: Asked, say: Say = lambda _: None) -> Standing:
        return self._as(Standing, self.call(name, asked, say))

    def _as(self, kind: type[T], value: Any) -> T:
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            raise self._odd(error) from error

    def call(
        self,
        name: str,
        asked: Asked,
        say: Say = lambda _: None,
        patience: float = PATIENCE,
        within: float = WITHIN,
    ) -> Any:
        """What the call was answered with. `patience`: seconds without a line; `within`: seconds for all of it. Raises
        LabError, also where the connection is cut before the answer."""
        end: dict[str, Any] = {}
        with Wire(self.address, self._tls, patience) as wire, _cut(wire, within):
            try:
                for line in wire.lines(f"/call/{name}", "POST", msgspec.to_builtins(asked), LINE):
                    if not isinstance(line, dict):
                        raise self._odd("a line that is no object")
                    if "says" in line:
                        say(str(line["says"]))
                    else:
                        end = line or end
            except WireError as error:
                raise self._silent(error) from error
        if "failed" in end:
            raise LabError(str(end["failed"]), str(end.get("fix", "")))
        if "done" not in end:
            raise self._silent("the connection was cut before the answer")
        return end["done"]

    def _silent(self, error: object) -> LabError:
        if getattr(error, "status", 0):
            return self._odd(error)
        cause = getattr(error, "cause", None)
        if isinstance(cause, ssl.SSLCertVerificationError):
            return LabError(
                f"{self.address} is not the broker {self.name} that joined: its certificate is another one.",
                f"let it join again: labkit classroom invite-broker {self.name}",
            )
        if isinstance(cause, ssl.SSLError):
            return LabError(
                f"The broker {self.name} at {self.address} lets in another classroom, not this one: {error}.",
                f"let it join this one: labkit classroom invite-broker {self.name}",
            )
        return LabError(
            f"The broker {self.name} does not answer at {self.address}: {error}.",
            "on that server: labkit classroom broker",
        )

    def _odd(self, error: object) -> LabError:
        return LabError(
            f"The broker {self.name} says what this classroom cannot read: {error}.", "compare labkit --version"
        )


@contextlib.contextmanager
def _cut(wire: Wire, after: float) -> Iterator[None]:
    """Cuts it after so many seconds, whatever still comes."""
    clock = threading.Timer(after, wire.cut)
    clock.daemon = True
    clock.start()
    try:
        yield
    finally:
        clock.cancel()


class Jupyters:
    """See labs.py: Jupyters."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def start(self, learner: str, environment: Mapping[str, str], hub: int, say: Say = lambda _: None) -> None:
        self._remote.call("jupyter", Asked(learner, environment=dict(environment), hub=hub), say)

    def runs(self, learner: str) -> bool:
        return bool(self._remote.call("jupyterruns", Asked(learner), patience=SOON, within=SOON))

    def end(self, learner: str) -> None:
        self._remote.call("jupyterend", Asked(learner))

    async def connect(self, learner: str) -> pipes.End:
        return await self._remote.tunnel(learner)
