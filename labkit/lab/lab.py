"""A lab that was found, as a value. Everything that talks to a lab gets it from here."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from labkit.errors import LabError, nearest
from labkit.lab.access import Access
from labkit.lab.engine.engines import Engine
from labkit.lab.engine.wire import Wire, tls_context
from labkit.lab.plan import Plan, part_of
from labkit.paths import Home
from labkit.seen.person import Person


@dataclass(frozen=True)
class Instance:
    """A machine's container, as its engine reports it. `state` is Docker's word: running, exited, …"""

    id: str
    machine: str
    role: str
    state: str
    address: str
    port: int | None
    image: str


GONE = Instance("", "", "", "missing", "", None, "")
"""Stands for a machine that has no container."""


@dataclass(frozen=True)
class Lab:
    """A lab that was found: complete, broken or half built."""

    plan: Plan
    home: Home
    access: Access
    parts: dict[str, Instance] = field(default_factory=dict)
    """Its machines, by name."""

    @property
    def engine(self) -> Engine:
        """The engine that runs the lab. Raises LabError for a guest, who never has it."""
        return self.access.engine

    @property
    def name(self) -> str:
        return self.plan.name

    @property
    def folder(self) -> Path:
        """What the lab stores on this side: keys, Docker contexts, sign-ins."""
        return self.home.state

    @property
    def work(self) -> Path:
        """The learner's folder."""
        return self.home.work

    @property
    def keys(self) -> Path:
        """ca.pem, cert.pem and key.pem. They open the engines. The owner's also open the edge's desk, a guest's the owner's
        service."""
        return client_keys(self.folder)

    @property
    def person(self) -> Person:
        return self.access.person(self.plan)

    @property
    def nodes(self) -> list[Instance]:
        """The existing nodes, the manager first."""
        return [self.parts[machine.name] for machine in self.plan.nodes if machine.name in self.parts]

    @property
    def missing(self) -> list[str]:
        """Machines of the plan that are missing or do not run."""
        return [name for name in (machine.name for machine in self.plan.machines) if self.state(name) != "running"]

    @property
    def expired(self) -> bool:
        return 0 < self.plan.deadline < datetime.now(UTC).timestamp()

    def state(self, machine: str) -> str:
        """Docker's word, or "missing"."""
        return self.parts.get(machine, GONE).state

    @staticmethod
    def lacks(machine: str, known: list[str], fix: str) -> LabError:
        """What to tell somebody who names a machine that is not there: one that an exercise brings is only not there yet."""
        if part := part_of(machine):
            return LabError(
                f"The machine {machine} is not there yet: an exercise brings it.",
                f"labkit up --with {part}   (opening the exercise does the same)",
            )
        return LabError(f"The lab has no machine {machine!r}: {nearest(machine, known)}", fix)

    def running(self, machine: str) -> Instance:
        """That machine, which must exist. Raises LabError."""
        if machine not in self.parts:
            raise self.lacks(machine, sorted(self.parts), "labkit shell worker1")
        if self.state(machine) != "running":
            raise LabError(
                f"The lab's machine {machine} is not running (it is {self.state(machine)}).",
                "labkit up   (it repairs the lab)",
            )
        return self.parts[machine]

    def url(self, machine: str) -> str:
        """Where this side reaches a machine."""
        return address(self.home, self.plan, self.parts[machine])

    def wire(self, machine: str, timeout: float | None = 10) -> Wire:
        """A connection to that node's engine, or to the edge's desk. Raises LabError if it does not run."""
        if self.state(machine) != "running":
            raise LabError(
                f"The lab's machine {machine} is not running (it is {self.state(machine)}).",
                "labkit up   (it repairs the lab)",
            )
        if self.parts[machine].port is None and not self.home.inside:
            told = f"The lab's machine {machine} is not connected to the lab's network."
            raise LabError(told, "labkit up   (it repairs the lab)")
        if not self.plan.machine(machine).tls:
            return Wire(self.url(machine), timeout=timeout)
        try:
            tls = tls_context(self.keys)
        except OSError as error:
            state = "damaged" if self.keys.is_dir() else "missing"
            raise LabError(
                f"The keys of the lab are {state}: {self.keys}.", "labkit up   (it repairs the lab)"
            ) from error
        return Wire(self.url(machine), tls, timeout)


def at_work(home: Home, plan: Plan) -> Home:
    """The home with that lab's learner's folder: the folder that the lab was started with, or if that is gone, the one that
    this side names (a checkout may be moved while its lab is up)."""
    moved = home.work.is_dir() and not plan.work.is_dir()
    return home if home.inside or moved or plan.work == Path() else replace(home, work=plan.work)


def client_keys(state: Path) -> Path:
    return state / "pki" / "client"


def address(home: Home, plan: Plan, instance: Instance) -> str:
    """How this side reaches a machine: its loopback port, or its name if labkit runs inside the lab's network."""
    if home.inside:
        return f"tcp://{instance.machine}:{plan.machine(instance.machine).port}"
    return f"tcp://127.0.0.1:{instance.port}"
