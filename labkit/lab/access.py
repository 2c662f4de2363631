"""The two ways to reach a lab: as its owner, who has the engine that runs it, or as a guest, who does not. Both have the
nodes' contexts and keys. What only the owner can do (look at the registries, reset, open a shell on a machine) goes through
the access; a guest's access asks the owner's service. What each does is imported when it is done, so that finding a lab
stays fast.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from labkit.errors import LabError
from labkit.lab.engine.engines import Engine, Say
from labkit.lab.engine.wire import Wire
from labkit.seen.claims import NOTHING, Claims
from labkit.seen.person import Person

if TYPE_CHECKING:
    from labkit.lab.lab import Lab
    from labkit.lab.plan import Plan
    from labkit.seen.observation import Observation

STDOUT, STDERR = 1, 2


@dataclass(frozen=True)
class Terminal:
    """The terminal that a command on a machine gets."""

    rows: int = 24
    columns: int = 80
    kind: str = "xterm"
    """The value of TERM."""


class Session(Protocol):
    """A command that runs on a machine. One thread may read while another one writes."""

    def read(self) -> tuple[int, bytes]:
        """What it printed next, with STDOUT or STDERR; with a terminal everything is STDOUT. No bytes once it has ended."""

    def write(self, data: bytes) -> None:
        """Types this. Input that nobody reads any more is thrown away."""

    def end_input(self) -> None: ...

    def resize(self, rows: int, columns: int) -> None: ...

    def signal(self, name: str) -> None:
        """Sends INT, TERM, HUP or KILL to the command and what it started in its process group."""

    def status(self) -> int:
        """The exit status of a command that has ended."""

    def close(self) -> None:
        """Closes the session, and ends what still runs. May be called twice."""


class Access(Protocol):
    """What can be done with a lab beyond talking to its nodes' engines."""

    @property
    def engine(self) -> Engine:
        """The engine that runs the lab. Raises LabError for a guest."""

    @property
    def where(self) -> tuple[str, str]:
        """How the lab is reached, and at which address: for people."""

    def told(self) -> dict[str, Any]:
        """The same for `status --json`."""

    def variables(self, plan: "Plan") -> dict[str, str]:
        """The variables that make another process reach the lab in the same way."""

    def person(self, plan: "Plan") -> Person:
        """Whose lab it is."""

    def observe(self, lab: "Lab", sections: Sequence[str], said: Claims = NOTHING) -> "Observation":
        """What the lab's machines hold now, with what the learner's side says; signed, in a graded workshop. Raises LabError
        if nobody can be asked."""

    def events(self, lab: "Lab") -> Wire:
        """A connection that answers GET /events with a line whenever something happens in the registries. Raises LabError."""

    def desk(self, lab: "Lab", method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """What the registries' desk (labkit/edge/desk.py) answers to a lesson's wish, such as another pull limit. Raises
        LabError, and WireError with status 400 for what the registry does not have."""

    def reset(self, lab: "Lab", slugs: Sequence[str] | None, say: Say) -> "Lab":
        """Brings machines and registries back to their state before these exercises, or the whole lab (None), were begun;
        this side is left as it is. Returns the lab as it is then. Raises LabError."""

    def trial(self, lab: "Lab", slug: str, say: Say, only: Sequence[str] = ()) -> bool:
        """Plays an exercise's trial, or `only` these parts of it (labkit/lab/playing/trials.py). Returns whether there was
        anything to try. Raises LabError."""

    def session(self, lab: "Lab", machine: str, command: Sequence[str], terminal: Terminal | None = None) -> Session:
        """Runs a command on a machine, with a terminal or with pipes. Raises LabError."""


@dataclass(frozen=True)
class Owner:
    """Has the engine that runs the lab: up, repair, down, observe, a shell on a machine."""

    engine: Engine

    @property
    def where(self) -> tuple[str, str]:
        return "engine", self.engine.url + (" (the lab's own)" if self.engine.own else "")

    def told(self) -> dict[str, Any]:
        return {"engine": {"url": self.engine.url, "own": self.engine.own}}

    def variables(self, plan: "Plan") -> dict[str, str]:
        names = {"LABKIT_LEARNER": plan.learner, "LABKIT_WORKSHOP": plan.workshop, "LABKIT_WORKSHOP_KEY": plan.key}
        whose = {key: value for key, value in names.items() if value} if plan.learner else {}
        return {"LABKIT_ENGINE": self.engine.url, **whose}

    def person(self, plan: "Plan") -> Person:
        return plan.person

    def observe(self, lab: "Lab", sections: Sequence[str], said: Claims = NOTHING) -> "Observation":
        from labkit.lab.looking.observe import machines

        if not lab.plan.key:
            return machines(lab, sections, said)
        from labkit.lab.owner import workshop

        return workshop.read(Path(lab.plan.key)).signed(machines(lab, sections, said))

    def events(self, lab: "Lab") -> Wire:
        return lab.wire("edge", timeout=None)

    def desk(self, lab: "Lab", method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        with lab.wire("edge") as wire:
            return json.loads(wire.request(method, path, body))

    def reset(self, lab: "Lab", slugs: Sequence[str] | None, say: Say) -> "Lab":
        from labkit.lab.playing.reset import machines_back

        return machines_back(lab, slugs, say)

    def trial(self, lab: "Lab", slug: str, say: Say, only: Sequence[str] = ()) -> bool:
        from labkit.content import exercises
        from labkit.lab.playing import trials

        return trials.play(lab, exercises.load(slug), say, only)

    def session(self, lab: "Lab", machine: str, command: Sequence[str], terminal: Terminal | None = None) -> Session:
        from labkit.lab.owner.session import EngineSession

        return EngineSession(self.engine, lab.running(machine).id, command, terminal)


@dataclass(frozen=True)
class Guest:
    """Has only the nodes' contexts and keys, and an owner's address to ask for the rest."""

    owner: str
    """https://HOST:PORT"""
    folder: Path = Path()
    """What `labkit invite` wrote: it is the guest's state folder."""
    whose: Person = field(default_factory=Person)

    @property
    def engine(self) -> Engine:
        raise LabError("Only the lab's owner can do this, and you are a guest.", f"ask the owner: {self.owner}")

    @property
    def where(self) -> tuple[str, str]:
        return "owner", self.owner

    def told(self) -> dict[str, Any]:
        return {"engine": None, "owner": self.owner}

    def variables(self, plan: "Plan") -> dict[str, str]:
        return {"LABKIT_GUEST": str(self.folder)}

    def person(self, plan: "Plan") -> Person:
        """As the owner reported it: the workshop's seed, which it comes from, stays with the owner."""
        return self.whose

    def observe(self, lab: "Lab", sections: Sequence[str], said: Claims = NOTHING) -> "Observation":
        from labkit.lab.guest import asking

        return asking.observe(lab, self.owner, sections, said)

    def events(self, lab: "Lab") -> Wire:
        from labkit.lab.guest import asking

        return asking.wire(self.owner, lab.keys, timeout=None)

    def desk(self, lab: "Lab", method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        from labkit.lab.guest import asking

        return asking.desk(lab, self.owner, {"method": method, "path": path, "body": body})

    def reset(self, lab: "Lab", slugs: Sequence[str] | None, say: Say) -> "Lab":
        from labkit.lab.guest import asking

        return asking.reset(lab, self.owner, slugs, say)

    def trial(self, lab: "Lab", slug: str, say: Say, only: Sequence[str] = ()) -> bool:
        from labkit.lab.guest import asking

        return asking.trial(lab, self.owner, slug, say, only)

    def session(self, lab: "Lab", machine: str, command: Sequence[str], terminal: Terminal | None = None) -> Session:
        from labkit.lab.guest.session import OwnerSession

        return OwnerSession(self.owner, lab.keys, lab.running(machine).machine, command, terminal)
