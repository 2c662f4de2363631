"""The labs of a broker on another machine, asked for over HTTPS (served.py). Both sides show keys that were made when it joined
(joining.py), and trust nobody else's.
"""

import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from labkit.classroom.broker import served
from labkit.classroom.broker.calls import Asked, Overview
from labkit.classroom.broker.standing import Standing
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


class Remote:
    """See labs.py: Server. Every method may be called by any thread; each has a connection of its own."""

    def __init__(self, name: str, address: str, keys: Path, public: Public) -> None:
        """`keys`: ca.pem, cert.pem and key.pem. `public` is whose signature observations must have. Raises LabError."""
        place = urlsplit(address)
        if place.scheme != "https" or not place.hostname:
            raise LabError(f"{address} is not a broker's address.", "it looks like https://HOST:8444")
        self.name, self.address = name, address.rstrip("/")
        self._keys, self._public, self._room = keys, public, 0
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
            return self._overview(SOON).alive
        except LabError:
            return False

    def all(self) -> tuple[Standing, ...]:
        return self._overview().labs

    def _overview(self, patience: float = 0.0) -> Overview:
        told = self._as(Overview, self._call("all", Asked(), patience=patience))
        self._room = told.room
        return told

    def start(self, learner: str, say: Say = lambda _: None) -> Standing:
        return self._standing("start", Asked(learner), say)

    def status(self, learner: str) -> Standing:
        return self._standing("status", Asked(learner))

    def access(self, learner: str, folder: Path, user: str = "") -> str:
        """The folder is one on the broker's server, where the learner's JupyterLab runs."""
        return str(self._call("access", Asked(learner, folder=str(folder), user=user)))

    def observe(self, learner: str, wanted: Sequence[str] = EVERYTHING, said: Claims | None = None) -> Observation:
        """Raises LabError too for what the workshop's key has not signed just as it came, and for another's lab."""
        told = self._call("observe", Asked(learner, sections=tuple(wanted), said=said))
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
        self._call("reset", Asked(learner, exercises=None if slugs is None else tuple(slugs)), say)

    def session(self, learner: str, machine: str, command: Sequence[str], terminal: Terminal | None = None) -> Session:
        return OwnerSession(self.address, self._keys, machine, command, terminal, learner=learner)

    def stop(self, learner: str) -> Standing:
        return self._standing("stop", Asked(learner))

    def remove(self, learner: str) -> Standing:
        return self._standing("remove", Asked(learner))

    def extend(self, learner: str, seconds: float) -> Standing:
        return self._standing("extend", Asked(learner, seconds=seconds))

    def touch(self, learner: str) -> None:
        self._call("touch", Asked(learner))

    def _standing(self, name: str, asked: Asked, say: Say = lambda _: None) -> Standing:
        return self._as(Standing, self._call(name, asked, say))

    def _as(self, kind: type[T], value: Any) -> T:
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            raise self._odd(error) from error

    def _call(self, name: str, asked: Asked, say: Say = lambda _: None, patience: float = 0.0) -> Any:
        """What the call was answered with. `patience`: seconds without a line; 0 for the usual. Raises LabError, also where the
        connection is cut before the answer."""
        end: dict[str, Any] = {}
        with Wire(self.address, self._tls, patience or PATIENCE) as wire:
            try:
                for line in wire.lines(f"/call/{name}", "POST", msgspec.to_builtins(asked)):
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
