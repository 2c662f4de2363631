"""What the steps of one `up` share."""

import threading
from contextlib import ExitStack
from dataclasses import dataclass, field

from labkit.lab.access import Owner
from labkit.lab.engine.engines import Engine, Say
from labkit.lab.engine.wire import Wire
from labkit.lab.lab import GONE, Instance, Lab, at_work
from labkit.lab.lifecycle.steps import Abandoned
from labkit.lab.lifecycle.swarm import Manager
from labkit.lab.plan import Machine, Plan
from labkit.paths import Home

GONE_STATES = ("missing", "removing", "dead")
"""States of a machine that cannot be started: it does not exist, or its removal was interrupted ("container is marked for
removal and cannot be started")."""


@dataclass
class Site:
    """A lab that is being built or repaired. Each step writes its own entries and reads those of the steps that it needs."""

    engine: Engine
    home: Home
    plan: Plan
    say: Say
    there: dict[str, Instance] = field(default_factory=dict)
    """The containers that were found, as they were then."""
    creates: bool = True
    """Whether missing machines are created."""
    image: str = ""
    recipes: dict[str, str] = field(default_factory=dict)
    """Images of machines with a recipe of their own: {recipe: image}."""
    prefix: str = ""
    """The first three numbers of the addresses in the lab's network."""
    instances: dict[str, Instance] = field(default_factory=dict)
    """Running machines, by name."""
    wires: dict[str, Wire] = field(default_factory=dict)
    """An open connection to each machine that answered."""
    manager: Manager | None = None
    over: threading.Event = field(default_factory=threading.Event)
    """Set when everything is interrupted: whoever waits for something then stops."""
    open: ExitStack = field(default_factory=ExitStack)
    """Closes the connections."""

    @classmethod
    def of(cls, lab: Lab, say: Say) -> "Site":
        """To repair what there is."""
        return cls(lab.engine, lab.home, lab.plan, say, there=lab.parts, creates=False)

    def lacks(self, machine: Machine) -> bool:
        """Whether that machine may be created. A machine with Docker Compose's keys is not ours to create."""
        makes = self.creates and not (self.plan.composed and machine.tls)
        return makes and self.found(machine.name).state in GONE_STATES

    def image_of(self, machine: Machine) -> str:
        return self.recipes.get(machine.recipe, self.image)

    def pause(self, seconds: float) -> None:
        """Raises Abandoned if everything was interrupted."""
        if self.over.wait(seconds):
            raise Abandoned

    def found(self, machine: str) -> Instance:
        return self.there.get(machine, GONE)

    @property
    def lab(self) -> Lab:
        """The lab as the steps have left it."""
        return Lab(self.plan, at_work(self.home, self.plan), Owner(self.engine), {**self.there, **self.instances})
