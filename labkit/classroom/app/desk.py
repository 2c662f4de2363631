"""The labs' desk: what pages ask of whoever has the labs, without waiting for it, and what is heard of the labs.

Each start, reset or stop runs in a thread of its own; how many labs start at once is the broker's matter. What was observed is
handed in by one thread, in order: while the database is away, it waits.
"""

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from labkit.classroom.app.room import Room
from labkit.classroom.broker.labs import Labs
from labkit.classroom.broker.standing import Standing, State
from labkit.classroom.records import handing_in, people
from labkit.classroom.records.database import DatabaseAway
from labkit.classroom.records.handing_in import Receipt
from labkit.errors import LabError
from labkit.lab.engine.engines import Say
from labkit.seen.observation import Observation

LOG = logging.getLogger("labkit")

WORDS = {
    State.ABSENT: ("–", "no lab"),
    State.STARTING: ("…", "starting"),
    State.UP: ("✓", "up"),
    State.STOPPED: ("–", "stopped"),
    State.BROKEN: ("✗", "broken"),
    State.ENDING: ("…", "ending"),
    State.UNKNOWN: ("?", "server away"),
}
"""A sign and a word for each: never color alone."""

LOOKS = (1.0, 5.0, 15.0)
"""Seconds after the last output of a learner's terminal at which their lab is looked at: a service takes a while to settle."""

PATIENCE = 10.0
"""Seconds that a look waits for the one before it, at the same lab."""

AGAIN = 1.0
"""Seconds between two tries to hand in while the database is away."""

KEPT_BACK = ("edge", "ci", "tools", "metadata")
"""Machines on which learners get no shell: grading rests on them, or they open none."""


@dataclass(frozen=True)
class Shown:
    """How a learner's lab stands, for pages."""

    state: State
    step: str = ""
    """What is being done with it now."""
    problem: str = ""
    machines: tuple[str, ...] = ()
    """Those on which the learner may open a shell."""
    ends: float = 0.0
    """Unix time; 0 for never."""

    @property
    def sign(self) -> str:
        return WORDS[self.state][0]

    @property
    def word(self) -> str:
        return WORDS[self.state][1]

    @property
    def up(self) -> bool:
        return self.state is State.UP

    @property
    def busy(self) -> bool:
        return bool(self.step) or self.state in (State.STARTING, State.ENDING)


@dataclass(frozen=True)
class _Turn:
    """Whose turn it is to look at one lab. A learner can make their lab hang: one look, and one that waits for it, are all the
    threads that it gets."""

    there: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(2))
    looks: threading.Lock = field(default_factory=threading.Lock)


class Desk:
    """One room's. Use it as a context manager. Every method may be called by any thread, and returns at once but for `look`."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self._standings: dict[str, Standing] = {}
        self._steps: dict[str, str] = {}
        self._problems: dict[str, str] = {}
        self._jobs: dict[str, threading.Thread] = {}
        self._due: dict[str, list[float]] = {}
        self._turns: dict[str, _Turn] = {}
        self._lock = threading.Lock()
        self._inbox: queue.SimpleQueue[tuple[str, Observation] | None] = queue.SimpleQueue()
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._looking = ThreadPoolExecutor(4, "labkit-look")

    def __enter__(self) -> "Desk":
        for work in (self._hand_in_all, self._look_when_due):
            self._threads.append(threading.Thread(target=work, name="labkit-desk", daemon=True))
            self._threads[-1].start()
        return self

    def __exit__(self, *_: object) -> None:
        """Waits for what is at work; what was observed is handed in before, if the database answers."""
        self._over.set()
        for job in list(self._jobs.values()):
            job.join(60)
        self._looking.shutdown(cancel_futures=True)
        self._inbox.put(None)
        for thread in self._threads:
            thread.join(60)

    @property
    def labs(self) -> Labs:
        """Raises LabError where this classroom has none."""
        if self.room.labs is None:
            raise LabError("This classroom starts no labs.", "work on your own machine: see My page")
        return self.room.labs

    # ── what pages ask for ───────────────────────────────────────────────────────────────────────────────────────────

    def start(self, ident: str) -> None:
        """Starts the lab, brings it back or repairs it."""
        self._begin(ident, lambda say: self.labs.start(ident, say))

    def reset(self, ident: str, slugs: tuple[str, ...] | None) -> None:
        """Back to before these exercises were begun, or all of them (None)."""
        self._begin(ident, lambda say: self.labs.reset(ident, slugs, say), "resetting")

    def stop(self, ident: str) -> None:
        self._begin(ident, lambda _: self.labs.stop(ident), "stopping")

    def teach(self, slugs: tuple[str, ...]) -> None:
        """These are the workshop's exercises from now on: labs get the machines that they lack for them."""

        def tell() -> None:
            try:
                self.labs.teach(slugs)
            except LabError as error:
                LOG.warning("The labs were not told what is taught: %s", error)

        if self.room.labs is not None:
            self._looking.submit(tell)

    def look(self, ident: str) -> tuple[Observation, Receipt]:
        """Looks at the lab now, and hands in what it shows. Raises LabError: also where looks wait for each other already."""
        with self._turn(ident):
            seen = self.labs.observe(ident)
        return seen, self.hand_in(ident, seen)

    @contextlib.contextmanager
    def _turn(self, ident: str) -> Iterator[None]:
        with self._lock:
            turn = self._turns.setdefault(ident, _Turn())
        with contextlib.ExitStack() as held:
            for one, patience in ((turn.there, 0.0), (turn.looks, PATIENCE)):
                if not one.acquire(timeout=patience):
                    raise LabError(
                        "This lab is being looked at already.", "wait a moment: the page shows what was seen"
                    )
                held.callback(one.release)
            yield

    def stirred(self, ident: str) -> None:
        """Something happened in this learner's terminal: the lab is looked at soon."""
        moment = time.monotonic()
        with self._lock:
            self._due[ident] = [moment + after for after in LOOKS]

    def shown(self, ident: str) -> Shown:
        """As far as it has been heard of."""
        with self._lock:
            held, step, problem = self._standings.get(ident), self._steps.get(ident, ""), self._problems.get(ident, "")
        if held is None:
            return Shown(State.STARTING if step else State.ABSENT, step, problem)
        machines = tuple(sorted((name for name in held.machines if name not in KEPT_BACK), key=_workstation_first))
        still = step and held.state in (State.ABSENT, State.STOPPED, State.BROKEN)
        state = State.STARTING if still else held.state
        return Shown(state, held.doing or step, held.problem or problem, machines, held.ends)

    def active(self, ident: str) -> float:
        """When the learner last did something in the lab, as far as has been heard: Unix time. 0 where no lab runs: what stops
        one is not the learner."""
        with self._lock:
            held = self._standings.get(ident)
            return held.active if held is not None and held.state is State.UP else 0.0

    # ── what is heard ────────────────────────────────────────────────────────────────────────────────────────────────

    def changed(self, told: Standing) -> None:
        """How a lab stands now."""
        with self._lock:
            known = self._standings.get(told.learner)
            self._standings[told.learner] = told
        if known is None or _plain(known) != _plain(told):
            self._news(told.learner)

    def refresh(self) -> None:
        """Asks how all labs stand: another server's are not told of by themselves."""
        if self.room.labs is None:
            return
        with contextlib.suppress(LabError):
            there = {one.learner: one for one in self.room.labs.all()}
            with self._lock:
                gone = [one for ident, one in self._standings.items() if ident not in there]
            for one in (*there.values(), *(replace(each, state=State.ABSENT, doing="", machines={}) for each in gone)):
                self.changed(one)

    def observed(self, ident: str, seen: Observation) -> None:
        """The learner's side looked at the lab: it is handed in."""
        self._inbox.put((ident, seen))

    def hand_in(self, ident: str, seen: Observation) -> Receipt:
        """Grades what whoever has the labs has signed, and keeps what is new. Raises LabError."""
        room = self.room
        parsed, signed = handing_in.parse(seen.dump().encode(errors="surrogatepass"), room.key)
        if not signed:
            raise LabError("What the broker observed is not signed.", "compare its key with the classroom's")
        with room.database.reading() as session:
            workshop = room.workshop(session)
            member = people.by_ident(session, workshop, ident)
        handed = handing_in.Handed(parsed, signed, (), member.id, "", None, room.clock())
        receipt = handing_in.receive(room.database, workshop, room.key, handed)
        room.changed()
        if receipt.changed:
            room.woken(member.id)
        return receipt

    # ── how ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _begin(self, ident: str, work: Callable[[Say], object], what: str = "") -> None:
        """In a thread of its own, unless something is at work for this learner. Raises LabError where there are no labs."""
        assert self.labs

        def say(text: str) -> None:
            with self._lock:
                self._steps[ident] = f"{what}: {text}" if what else text
            self._news(ident)

        def run() -> None:
            problem = ""
            try:
                work(say)
            except LabError as error:
                problem = str(error)
            except Exception as error:
                LOG.exception("The lab of %s could not be served.", ident)
                problem = f"{type(error).__name__}: {error}"
            with self._lock:
                self._steps.pop(ident, None)
                self._problems[ident] = problem
            with contextlib.suppress(LabError):
                self.changed(self.labs.status(ident))
            self._news(ident)

        with self._lock:
            if self._over.is_set() or ((job := self._jobs.get(ident)) and job.is_alive()):
                return
            self._problems.pop(ident, None)
            self._steps[ident] = what or "waiting for its turn"
            self._jobs[ident] = threading.Thread(target=run, name=f"labkit-desk {ident}", daemon=True)
            self._jobs[ident].start()

    def _news(self, ident: str) -> None:
        self.room.changed()
        with contextlib.suppress(LabError):
            with self.room.database.reading() as session:
                number = people.by_ident(session, self.room.workshop(session), ident).id
            self.room.woken(number)

    def _hand_in_all(self) -> None:
        while (one := self._inbox.get()) is not None:
            while True:
                try:
                    self.hand_in(*one)
                except DatabaseAway:
                    if self._over.wait(AGAIN):
                        break
                    continue
                except LabError as error:
                    LOG.warning("What %s's lab showed was not taken: %s", one[0], error)
                except Exception:
                    LOG.exception("What %s's lab showed was not taken.", one[0])
                break

    def _look_when_due(self) -> None:
        while not self._over.wait(0.25):
            moment = time.monotonic()
            with self._lock:
                due = [ident for ident, times in self._due.items() if times[0] <= moment]
                for ident in due:
                    self._due[ident] = [one for one in self._due[ident] if one > moment]
                self._due = {ident: times for ident, times in self._due.items() if times}
            for ident in due:
                self._looking.submit(self._look_by_itself, ident)

    def _look_by_itself(self, ident: str) -> None:
        try:
            self.labs.touch(ident)  # who types is there, whatever changes in the lab
            self.look(ident)
        except LabError as error:
            LOG.info("The lab of %s could not be looked at: %s", ident, error)
        except Exception:
            LOG.exception("The lab of %s could not be looked at.", ident)


def _plain(one: Standing) -> Standing:
    """Without what shows nowhere."""
    return replace(one, active=0.0)


def _workstation_first(name: str) -> tuple[bool, str]:
    return name != "workstation", name
