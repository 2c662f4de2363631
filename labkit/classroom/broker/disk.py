"""The disk on which an engine keeps its labs: what is free there, and how much each lab takes.

No quota keeps a learner from filling it: Docker has them on xfs with pquota alone. So a broker looks, and planning.py decides.
"""

import shutil
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from labkit.classroom.broker import planning
from labkit.classroom.broker.planning import GIB, Disk, Limits
from labkit.errors import LabError
from labkit.lab.engine.engines import Engine
from labkit.lab.plan import LABEL, OWNER

PATIENCE = 300.0
"""Seconds for the engine to add up the files of all its volumes."""

ANEW = "reset all of it: it begins anew, and what was recorded of it counts"
"""What to do with a lab that was stopped for it."""


class Watch:
    """One broker's."""

    def __init__(self, engine: Engine, owner: str, limits: Limits) -> None:
        self._engine, self._owner, self._limits = engine, owner, limits
        self._root: Path | None = None
        self._measured: int | None = None

    def begin(self) -> None:
        """Finds out which disk it is. Raises WireError."""
        self._root = root(self._engine)

    def check(self) -> None:
        """Raises LabError while there is no room for a new lab."""
        if self._root and self._limits.short(disk := look(self._root)):
            raise LabError(
                f"No new lab is started: the disk of this server's labs is nearly full. {_gib(disk.free)} are free; "
                f"{_gib(self._limits.kept(disk))} must stay free.",
                "free some space on the server (docker system df), or remove labs that nobody needs",
            )

    def greedy(self, running: Collection[str]) -> tuple[str, str] | None:
        """Which of these labs must be stopped, so that all others can go on; and why, in a sentence. To be asked again and
        again, by one thread: it measures only when there is a reason. Raises WireError."""
        if self._root is None:
            return None
        disk = look(self._root)
        if not self._limits.short(disk):
            self._measured = None
        elif self._measured is not None:
            self._measured = max(self._measured, disk.free)  # what was freed meanwhile is taken anew by somebody
        if not self._limits.due(disk, self._measured):
            return None
        held = {name: size for name, size in used(self._engine, self._owner).items() if name in running}
        self._measured = disk.free
        name = planning.greediest(held, self._limits.share)
        if not name:
            return None
        took = f"it took {_gib(held[name])} of the server's disk, on which {_gib(disk.free)} were left for all"
        return name, f"The lab was stopped: {took}."


def _gib(size: int) -> str:
    return f"{size / GIB:.1f} GB"


def root(engine: Engine) -> Path | None:
    """Where the engine keeps its data; None where that is not on this machine: an engine in a virtual machine. Raises
    WireError."""
    with engine.wire() as wire:
        place = Path(wire.get("/info")["DockerRootDir"])
    return place if place.is_dir() else None


def look(root: Path) -> Disk:
    """What that folder's disk has left now."""
    usage = shutil.disk_usage(root)
    return Disk(usage.free, usage.total)


def used(engine: Engine, owner: str) -> dict[str, int]:
    """{lab: bytes} of all labs of that owner: the volumes of their machines, and what was written beside those. The engine adds
    it up file by file: ask only where it matters. Raises WireError."""
    with engine.wire(PATIENCE) as wire:
        told = wire.get("/system/df?type=container&type=volume")
    found: Counter[str] = Counter()
    for part in (*(told.get("Containers") or ()), *(told.get("Volumes") or ())):
        labels = part.get("Labels") or {}
        if labels.get(OWNER) == owner and LABEL in labels:
            held = part.get("SizeRw") or (part.get("UsageData") or {}).get("Size") or 0
            found[labels[LABEL]] += max(0, held)  # -1: not known
    return dict(found)
