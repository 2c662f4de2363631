"""What the classroom asks of whoever has the labs: the broker of this machine, or a fleet of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from labkit.classroom.broker.standing import Standing
from labkit.classroom.hub.pipes import End
from labkit.lab.access import Session, Terminal
from labkit.lab.engine.engines import Say
from labkit.lab.looking.observe import EVERYTHING
from labkit.seen.claims import Claims
from labkit.seen.observation import Observation


class Labs(Protocol):
    """Learners by their id in the roster. Every method may be called by any thread, waits until it is done, and raises
    LabError; what each does is in broker.py."""

    def start(self, learner: str, say: Say = ...) -> Standing: ...

    def status(self, learner: str) -> Standing: ...

    def all(self) -> tuple[Standing, ...]: ...

    def access(self, learner: str, folder: Path, user: str = "") -> str: ...

    def observe(self, learner: str, wanted: Sequence[str] = EVERYTHING, said: Claims | None = None) -> Observation: ...

    def reset(self, learner: str, slugs: Sequence[str] | None = None, say: Say = ...) -> None: ...

    def session(
        self, learner: str, machine: str, command: Sequence[str], terminal: Terminal | None = None
    ) -> Session: ...

    def stop(self, learner: str) -> Standing: ...

    def remove(self, learner: str) -> Standing: ...

    def extend(self, learner: str, seconds: float) -> Standing: ...

    def touch(self, learner: str) -> None: ...

    def teach(self, exercises: Sequence[str]) -> None: ...

    @property
    def alive(self) -> bool: ...


class Server(Labs, Protocol):
    """One of a fleet's: a broker with an engine of its own."""

    @property
    def room(self) -> int:
        """How many labs fit there altogether, as far as it is known."""

    @property
    def jupyters(self) -> "Jupyters | None":
        """The JupyterLabs there; None on JupyterHub's own server, where it starts them itself."""


class Jupyters(Protocol):
    """JupyterLabs of learners on the server that has their labs, for a JupyterHub elsewhere. What each method does is in
    jupyters.py; all raise LabError."""

    def start(self, learner: str, environment: Mapping[str, str], hub: int, say: Say = ...) -> None: ...

    def runs(self, learner: str) -> bool: ...

    def end(self, learner: str) -> None: ...

    async def connect(self, learner: str) -> End: ...
