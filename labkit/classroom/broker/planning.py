"""How many labs fit on a machine, how many start at once, who is placed where, and which lab takes too much of the disk. Pure:
numbers in, decisions out."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from labkit.errors import LabError

NETWORKS = 256
"""Networks for labs on one engine (labkit/lab/lifecycle/network.py)."""

KEPT = 0.1
"""This part of the memory stays free: for bursts, and for the page cache, without which everything is slow."""

IDLE = 0.5
"""Labs at rest may use this part of the cores: the rest is for those who work."""

START_CORES = 1.4
"""Cores that one start of a lab keeps busy (docs/performance.md: processor seconds of `labkit up` by its time)."""

GIB = 1024**3

FLOOR, PART = 2 * GIB, 0.05
"""So many bytes of an engine's disk, or this part of it if that is more, stay free: an engine whose disk is full stops all."""

SHARE = 3 * GIB
"""Bytes of disk that a lab may take while there are few left. The lessons need less than one."""

STEP = 64 * 1024**2
"""Labs are measured again each time when so many bytes more are gone: what a stopped lab holds is not free by that."""


@dataclass(frozen=True)
class Room:
    """What a machine has left for labs."""

    memory: int
    """Bytes that could be given to programs now."""
    total: int
    """Bytes of memory altogether."""
    cores: int
    networks: int = NETWORKS
    ports: int = 28_000
    """Free ports that the system gives to whoever asks for any."""
    disk: int | None = None
    """Bytes; None if it is not known."""


@dataclass(frozen=True)
class Cost:
    """What one learner takes, as measured."""

    lab: int
    """Bytes of memory of a lab at rest, with what the engine runs for it."""
    jupyter: int = 0
    """Bytes of memory of a JupyterLab with one notebook open; 0 if learners have it elsewhere."""
    cores: float = 0.0
    """Cores that both use at rest."""
    ports: int = 6
    disk: int = 0
    start: float = 0.0
    """Seconds from the start of a lab until it was ready."""

    @property
    def memory(self) -> int:
        return self.lab + self.jupyter


@dataclass(frozen=True)
class Fit:
    """How many learners fit, and what stands in the way of one more."""

    learners: int
    limit: str
    """A key of `by`."""
    by: dict[str, int] = field(default_factory=dict)
    """{what: how many learners it would be enough for}"""
    seconds: float = 0.0
    """How long it would take to start all of them."""


def fit(room: Room, cost: Cost) -> Fit:
    """How many learners fit beside what runs already."""
    by = {
        "memory": _times(room.memory - KEPT * room.total, cost.memory),
        "processor": _times(room.cores * IDLE, cost.cores),
        "networks": room.networks,
        "ports": _times(room.ports, cost.ports),
    }
    if room.disk is not None and cost.disk:
        by["disk"] = _times(room.disk, cost.disk)
    limit = min(by, key=by.__getitem__)
    learners = by[limit]
    return Fit(learners, limit, by, math.ceil(learners / at_once(room.cores)) * cost.start)


def _times(there: float, each: float) -> int:
    return max(0, int(there / each)) if each > 0 else NETWORKS


def at_once(cores: int) -> int:
    """How many labs may start at the same time."""
    return max(1, round(cores / START_CORES))


@dataclass(frozen=True)
class Place:
    """A broker, as the one who places learners sees it."""

    name: str
    room: int
    """How many labs fit there altogether."""
    learners: frozenset[str] = frozenset()
    """Whose labs are there."""
    alive: bool = True

    @property
    def free(self) -> int:
        return self.room - len(self.learners)


def place(learner: str, places: Iterable[Place]) -> str:
    """The name of the place for that learner: where their lab is, else where most is free; of equals the first by name. Raises
    LabError where all are full."""
    there = [one for one in places if one.alive]
    for one in there:
        if learner in one.learners:
            return one.name
    best = min(there, key=lambda one: (-one.free, one.name), default=None)
    if best is None or best.free <= 0:
        full = "No broker answers." if best is None else f"All labs are taken: {sum(one.room for one in there)} fit."
        raise LabError(full, "add a server, or remove labs that nobody needs")
    return best.name


def moved(places: Sequence[Place]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Where the learners of brokers that are gone are placed anew ({learner: place}), and those for whom there is no room. One
    who has a lab on a living broker too stays there."""
    living: dict[str, Place] = {one.name: one for one in places if one.alive}
    served = {learner for one in living.values() for learner in one.learners}
    to: dict[str, str] = {}
    left: list[str] = []
    for learner in sorted({name for one in places if not one.alive for name in one.learners} - served):
        try:
            name = place(learner, living.values())
        except LabError:
            left.append(learner)
            continue
        to[learner] = name
        held = living[name]
        living[name] = Place(name, held.room, held.learners | {learner})
    return to, tuple(left)


def spread(learners: Iterable[str], places: Mapping[str, int]) -> dict[str, str]:
    """A place for each of these learners, who have none yet. Raises LabError where they do not fit."""
    there = [Place(name, room) for name, room in places.items()]
    placed: dict[str, str] = {}
    for learner in dict.fromkeys(learners):
        placed[learner] = place(
            learner,
            [
                Place(one.name, one.room, frozenset(who for who, where in placed.items() if where == one.name))
                for one in there
            ],
        )
    return placed


@dataclass(frozen=True)
class Disk:
    """An engine's disk. Bytes."""

    free: int
    total: int


@dataclass(frozen=True)
class Limits:
    """What a broker does about a disk that fills up. Bytes."""

    floor: int = 0
    """No lab is started while less is free; 0: FLOOR or PART, whatever is more."""
    share: int = SHARE
    """A lab that takes more is stopped then."""

    def kept(self, disk: Disk) -> int:
        """What must stay free of it."""
        return self.floor or max(FLOOR, int(PART * disk.total))

    def short(self, disk: Disk) -> bool:
        return disk.free < self.kept(disk)

    def due(self, disk: Disk, measured: int | None) -> bool:
        """Whether it is time to find out which lab takes most. `measured`: the most that was free since that was last
        found out; None if there was enough."""
        return self.short(disk) and (measured is None or disk.free < measured - STEP)


def greediest(used: Mapping[str, int], share: int) -> str:
    """The lab that takes most of these, if that is more than its share; else ""."""
    most = max(used, key=lambda name: (used[name], name), default="")
    return most if most and used[most] > share else ""
