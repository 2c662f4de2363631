"""Looks at the lab again whenever something happens in it, in threads of its own, and tells who asked.

Nothing is polled while the lab rests: the engines tell their events (Engine API, GET /events), the edge its access log. They
say only *that* something happened; what is there is then observed as ever.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import msgspec

from labkit import paths
from labkit.errors import LabError
from labkit.lab import contexts, find, limit
from labkit.lab.engine.wire import Wire, WireError
from labkit.lab.lab import Lab
from labkit.lab.looking.observe import EVERYTHING, observe
from labkit.lab.looking.sight import Sight, state_of
from labkit.seen.lab import SeenLab
from labkit.seen.log import is_look
from labkit.seen.observation import Observation
from labkit.work import answers

GLANCE = 0.4
"""Seconds between two looks at the files that no event reports: sign-ins and answers."""

HEARTBEAT = 5.0
"""Seconds after which the lab is looked at without an event, for changes that no event reports."""

MOVING, SLOWEST = 0.6, 2.0
"""Seconds between two looks while the Swarm is moving: no event reports a task that waits for a node or was rejected. While
such looks show nothing new they become rarer, down to the second number."""

GATHER = 0.05
"""At least this many seconds between two looks, to gather the events of one command. The first event is looked at at once."""

WITHOUT_PAGES = tuple(name for name in EVERYTHING if name != "pages")
"""The sections to look at if the apps' pages can't have changed: asking the apps takes longer than everything else."""

EVENTS = '/events?filters={"type":["container","image","service","node"]}'


def see(wanted: Iterable[str] = EVERYTHING) -> Sight:
    """One look at these sections, now. Raises LabError if the engine does not answer."""
    lab = find.any_engine()
    if lab is None or lab.expired:
        return state_of(lab, ended=limit.ended(paths.home()))
    return state_of(lab, observe(lab, wanted))


def look(wanted: Iterable[str] = EVERYTHING) -> Sight:
    """The same for callers that must go on whatever happens: an engine that does not answer counts as down, and the problem
    says why."""
    try:
        return see(wanted)
    except (LabError, WireError) as error:
        return Sight("down", problem=str(error))
    except Exception as error:  # who watches must go on, and say so
        return Sight("down", problem=f"The lab could not be checked: {type(error).__name__}: {error}")


class Watch:
    """Sends each new Sight to its listeners, from its own thread."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Sight], None]] = []
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._streams: dict[str, _Stream] = {}
        self._told: object = None
        self._asked = 0.0  # when the apps were asked for their pages
        self.last: Sight | None = None
        self._thread = threading.Thread(target=self._run, name="labkit-watch", daemon=True)
        self._thread.start()

    def listen(self, tell: Callable[[Sight], None]) -> None:
        """Calls `tell` with every new Sight, and soon with the last one."""
        self._listeners.append(tell)
        self._told = None
        self._wake.set()

    def forget(self, tell: Callable[[Sight], None]) -> None:
        with contextlib.suppress(ValueError):
            self._listeners.remove(tell)

    def wake(self) -> None:
        """Something happened: look soon."""
        self._wake.set()

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()
        self._thread.join(timeout=10)
        self._follow(None)

    def _run(self) -> None:
        pause = MOVING
        while not self._stop.is_set():
            self._wake.clear()
            began = time.monotonic()
            # Before the look: what is written while it looks, it may not have seen.
            files = self._written()
            sight = self._look()
            self._follow(sight.lab if sight.state in ("up", "broken") else None)
            pause = MOVING if self._tell(sight) else min(SLOWEST, pause * 1.3)
            moving = sight.state != "up" or (sight.observation is not None and SeenLab(sight.observation).moving)
            ended = time.monotonic()
            self._rest(began + (pause if moving else HEARTBEAT), files)
            self._stop.wait(max(0.0, ended + GATHER - time.monotonic()))

    def _look(self) -> Sight:
        """A look at everything. The apps' pages are those of the last look, as long as the Swarm rests, no task has changed and
        HEARTBEAT is not over."""
        known, now = self.last.observation if self.last else None, time.monotonic()
        rests = known is not None and known.pages is not None and not SeenLab(known).moving
        if known and rests and now < self._asked + HEARTBEAT:
            sight = look(WITHOUT_PAGES)
            if sight.observation and sight.observation.swarm == known.swarm:
                return replace(sight, observation=_with_pages(sight.observation, known))
        self._asked = now
        return look()

    def _rest(self, until: float, files: list[float]) -> None:
        while time.monotonic() < until and not self._wake.is_set():
            if self._written() != files:
                return
            self._wake.wait(min(GLANCE, max(0.0, until - time.monotonic())))

    def _written(self) -> list[float]:
        return _changed_at(self.last.lab if self.last else None)

    def _tell(self, sight: Sight) -> bool:
        """Whether there was anything new."""
        ends = sight.lab and sight.lab.plan.deadline
        told = (sight.state, sight.problem, ends, sight.observation and _lasting(sight.observation))
        self.last = sight
        if told == self._told:
            return False
        self._told = told
        for tell in list(self._listeners):
            tell(sight)
        return True

    def _follow(self, lab: Lab | None) -> None:
        """Keeps one stream open to each machine that reports events."""
        wanted = (
            {p.id: p for p in lab.parts.values() if p.role in ("node", "edge") and p.state == "running"} if lab else {}
        )
        for key in [key for key, stream in self._streams.items() if key not in wanted or not stream.is_alive()]:
            self._streams.pop(key).cut()
        for key, part in wanted.items():
            if key not in self._streams and lab is not None:
                with contextlib.suppress(LabError, WireError):
                    node = part.role == "node"
                    wire = lab.wire(part.machine, timeout=None) if node else lab.access.events(lab)
                    self._streams[key] = _Stream(wire, EVENTS if node else "/events", self._wake)


class _Stream(threading.Thread):
    """Reads one machine's events, and wakes the watch at each line, and when the machine falls silent. A look of our own wakes
    nobody: each look would cause the next."""

    def __init__(self, wire: Wire, path: str, wake: threading.Event) -> None:
        super().__init__(name="labkit-events", daemon=True)
        self._wire, self._path, self._wake = wire, path, wake
        self.start()

    def run(self) -> None:
        with contextlib.suppress(WireError):
            for line in self._wire.lines(self._path):
                if not is_look(line.get("action", ""), line.get("agent", "")):
                    self._wake.set()
        self._wake.set()

    def cut(self) -> None:
        self._wire.cut()


def _with_pages(observation: Observation, known: Observation) -> Observation:
    """An observation with the pages of another, and with that one's reasons for missing pages."""
    gaps = {name: why for name, why in known.unobserved.items() if name.partition("/")[0] == "pages"}
    return msgspec.structs.replace(observation, pages=known.pages, unobserved=observation.unobserved | gaps)


def _lasting(observation: Observation) -> Observation:
    """An observation without what changes by itself: when it was taken."""
    return msgspec.structs.replace(observation, taken="")


def _changed_at(lab: Lab | None) -> list[float]:
    """When the files that no event reports were last written: sign-ins and answers."""
    files = [contexts.folder(lab.folder) / "config.json", lab.work / answers.FILE] if lab else []
    return [_time(file) for file in files]


def _time(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0
