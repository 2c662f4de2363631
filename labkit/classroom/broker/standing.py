"""How each lab stands, and what the broker does about it by itself. Pure: what was found in, decisions out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

TRIES = 3
"""A lab that broke is repaired this often; then somebody has to look."""

WAITS = (0.0, 10.0, 60.0)
"""Seconds before the first try to repair a lab, the second, and so on."""

SETTLES = 3.0
"""A lab must be broken in the same way for so many seconds: somebody may be removing it by hand, machine by machine."""


class State(StrEnum):
    """Of a lab, for people and programs."""

    ABSENT = "absent"
    """There is none."""
    STARTING = "starting"
    UP = "up"
    STOPPED = "stopped"
    """It was idle: its machines stand still, and what is in them is kept."""
    BROKEN = "broken"
    """Machines are missing or stand still, and nobody wanted it so."""
    ENDING = "ending"
    UNKNOWN = "unknown"
    """The engine does not answer."""


class Act(StrEnum):
    NOTHING = "nothing"
    REPAIR = "repair"
    GROW = "grow"
    """Bring it the machines that exercises need which the workshop has had since."""
    LOOK = "look"
    """See whether the learner did something, and stop the lab if not."""
    END = "end"


OFTEN, SELDOM = 60.0, 300.0
"""Seconds between two looks of the broker's own at a lab whose learner works, and at one in which nothing happens."""
WORKING = 600.0
"""Seconds after something has happened in which a learner is taken to work."""


@dataclass(frozen=True)
class Found:
    """A lab as the labels on its containers tell of it."""

    name: str
    learner: str
    wanted: tuple[str, ...]
    """The machines of its plan."""
    machines: Mapping[str, str] = field(default_factory=dict)
    """{machine: Docker's word for its state}"""
    deadline: float = 0.0
    """Unix time; 0 for never."""
    start: str = ""
    lacks: bool = False
    """Whether the workshop's exercises need more machines by now than its plan has."""

    @property
    def complete(self) -> bool:
        return all(self.machines.get(name) == "running" for name in self.wanted)

    @property
    def still(self) -> bool:
        """Whether none of its machines runs, and all are there."""
        return set(self.wanted) <= set(self.machines) and "running" not in self.machines.values()


@dataclass(frozen=True)
class Noted:
    """What the broker knows beside that."""

    doing: str = ""
    """A value of State while the broker is at it: UP while it gets more machines."""
    stopped: bool = False
    """Whether the broker stopped it."""
    active: float = 0.0
    """Unix time at which its learner last did something."""
    failed: int = 0
    """How often a repair failed since it was last up."""
    tried: float = 0.0
    """Unix time of the last repair."""
    problem: str = ""
    full: str = ""
    """Why it was stopped, for people, where it took too much of the disk. It is not started like that."""
    seen: tuple[tuple[str, str], ...] = ()
    """The states of the machines when it was last looked at."""
    since: float = 0.0
    """Unix time from which on they were seen like that."""

    def looking(self, found: Found, now: float) -> "Noted":
        """The same after a look at the lab."""
        states = tuple(sorted(found.machines.items()))
        return self if states == self.seen else replace(self, seen=states, since=now)


def state(found: Found | None, noted: Noted) -> State:
    if noted.doing:
        return State(noted.doing)
    if found is None:
        return State.ABSENT
    if found.complete:
        return State.UP
    return State.STOPPED if noted.stopped and found.still else State.BROKEN


def act(found: Found, noted: Noted, now: float, idle: float, settles: float = SETTLES) -> Act:
    """What is to be done now. `idle`: seconds after which a lab is stopped; 0 for never."""
    match state(found, noted):
        case State.BROKEN if not _over(found, now):
            return Act.REPAIR if now >= noted.since + settles and _due(noted, now) else Act.NOTHING
        case State.UP if found.lacks and not noted.doing and not _over(found, now) and _due(noted, now):
            return Act.GROW
        case State.UP if not _over(found, now):
            return Act.LOOK if idle and now >= noted.active + idle else Act.NOTHING
        case State.UP | State.BROKEN | State.STOPPED if _over(found, now):
            return Act.END
    return Act.NOTHING


def glance(looked: float, noted: Noted, now: float) -> bool:
    """Whether it is time to look by itself at a lab that runs: often while its learner works, and seldom else. A look takes 0.1
    to 0.2 s of a core, and sixty labs may be here."""
    return now >= looked + (OFTEN if now < noted.active + WORKING else SELDOM)


def _due(noted: Noted, now: float) -> bool:
    """Whether something that may have failed is tried again."""
    return noted.failed < TRIES and now >= noted.tried + WAITS[noted.failed]


def _over(found: Found, now: float) -> bool:
    return 0 < found.deadline <= now


@dataclass(frozen=True)
class Standing:
    """How a learner's lab stands: what the classroom shows."""

    learner: str
    lab: str
    state: State
    machines: Mapping[str, str] = field(default_factory=dict)
    doing: str = ""
    """The step that it is at, while something is done."""
    problem: str = ""
    """Why the last thing that was done failed, for people."""
    ends: float = 0.0
    """Unix time; 0 for never."""
    active: float = 0.0
    """Unix time at which the learner last did something, as far as the broker knows."""
