"""Several brokers, each with an engine of its own, as one (labs.py): a learner is placed where there is room, and those of a
broker that died are placed anew. What a lab held on a dead engine is lost; the learner's folder, and what was observed, are not
there and stay.

A learner has one lab. Where a server comes back whose learners were placed anew, their labs there are stopped. Who is placed
where is kept in a file: after a restart of the classroom it says which of two labs is the learner's.
"""

import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from labkit.classroom.broker import naming, planning
from labkit.classroom.broker.labs import Jupyters, Server
from labkit.classroom.broker.planning import Place
from labkit.classroom.broker.standing import Standing, State
from labkit.errors import LabError
from labkit.lab.access import Session, Terminal
from labkit.lab.engine.engines import Say
from labkit.lab.looking.observe import EVERYTHING
from labkit.seen.claims import Claims
from labkit.seen.observation import Observation
from labkit.work import keeping

LOG = logging.getLogger(__name__)

T = TypeVar("T")

BEAT = 3.0
"""Seconds between two looks at all servers."""

PATIENCE = 60.0
"""Seconds for which a server may be silent before its learners are placed anew: a restarted broker still has its labs."""

AGAIN = 30.0
"""Seconds until a start that failed when a learner was placed anew is tried again."""

AT_REST = (State.STOPPED, State.ABSENT, State.ENDING)
"""States of a lab that needs no other one while its server is away, and that is no second one when it is back."""


@dataclass(frozen=True)
class News:
    """What a fleet tells of by itself. In threads of its own."""

    changed: Callable[[Standing], None] = lambda *_: None
    """How a learner's lab stands, whenever that is seen to be different."""
    happened: Callable[[str], None] = lambda *_: None
    """A sentence about servers, for people: one died or came back, whose lab was placed anew or stopped."""


class Fleet:
    """See labs.py: Labs. While it is used as a context manager it looks after its servers by itself."""

    def __init__(
        self,
        servers: Mapping[str, Server],
        file: Path | None = None,
        news: News | None = None,
        patience: float = PATIENCE,
        beat: float = BEAT,
    ) -> None:
        """`file` keeps who is placed where; None: it is found out anew each time."""
        self._servers, self._file, self._news = dict(servers), file, news or News()
        self._patience, self._beat = patience, beat
        self._at: dict[str, str] = keeping.load(file, msgspec.json.Decoder(dict[str, str]).decode, {}) if file else {}
        """{learner: server}: where their lab is, or is being started."""
        self._placed: dict[str, float] = {}
        """{learner: when that was; infinity while it is being started}. An answer from before says nothing of it."""
        self._seen: dict[str, dict[str, Standing]] = {}
        """{server: {learner: lab}} as each answered last."""
        self._silent: dict[str, float] = {}
        """{server: since when it does not answer}"""
        self._told: set[str] = set()
        """Servers of which was told that they are lost, and learners for whom there was no room."""
        self._failed: dict[str, float] = {}
        """{learner: when the lab could not be started elsewhere}"""
        self._kept = dict(self._at)
        self._taught: tuple[str, ...] = ()
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._jobs: dict[str, threading.Thread] = {}
        self._thread = threading.Thread(target=self._tend, name="labkit-fleet", daemon=True)

    def __enter__(self) -> "Fleet":
        self.places()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Waits for what it does by itself. The servers and their labs go on."""
        self._over.set()
        self._thread.join()
        for job in list(self._jobs.values()):
            job.join()

    def add(self, name: str, server: Server) -> None:
        """One more server, or another one in the place of the one of that name."""
        with self._lock:
            self._servers[name] = server
            self._silent.pop(name, None)

    # What is asked for

    def start(self, learner: str, say: Say = lambda _: None) -> Standing:
        """Starts the learner's lab where it is, or where most room is left."""
        naming.check_learner(learner)
        with self._lock:
            new = self._at.get(learner) is None
        if new:
            self.places()
        with self._lock:
            at = self._at.get(learner)
            if at is not None and at in self._silent and not self._lost(at):
                raise self._away(learner, at)
            name = planning.place(learner, self._now())
            self._begin(learner, name)
        if at is not None and at != name:
            self._tell(self._news.happened, f"{learner}'s lab is started anew on {name}: {at} does not answer.")
        return self._start(learner, name, say)

    def status(self, learner: str) -> Standing:
        with self._lock:
            at = self._at.get(naming.check_learner(learner))
            away = at is not None and at in self._silent
            server = self._servers.get(at or "")
        if at is None or server is None:
            return Standing(learner, "", State.ABSENT)
        with contextlib.suppress(LabError):
            if not away:
                return self._noted(at, server.status(learner))
        return self._unknown(learner, at)

    def all(self) -> tuple[Standing, ...]:
        """As it was seen last: while the fleet looks after its servers, at most one beat ago."""
        if not self._thread.is_alive():
            self.places()
        with self._lock:
            told = {one.learner: one for there in self._seen.values() for one in there.values()}
            told |= {learner: one for learner in self._at if (one := self._last(learner))}
        return tuple(told[learner] for learner in sorted(told))

    def access(self, learner: str, folder: Path, user: str = "") -> str:
        """On the server that has the lab."""
        return self.of(learner).access(learner, folder, user)

    def observe(self, learner: str, wanted: Sequence[str] = EVERYTHING, said: Claims | None = None) -> Observation:
        return self.of(learner).observe(learner, wanted, said)

    def reset(self, learner: str, slugs: Sequence[str] | None = None, say: Say = lambda _: None) -> None:
        self.of(learner).reset(learner, slugs, say)

    def session(self, learner: str, machine: str, command: Sequence[str], terminal: Terminal | None = None) -> Session:
        return self.of(learner).session(learner, machine, command, terminal)

    def stop(self, learner: str) -> Standing:
        return self._noted(self.at(learner), self.of(learner).stop(learner))

    def remove(self, learner: str) -> Standing:
        """Also a lab of the learner's that was stopped on another server."""
        server, at = self.of(learner), self.at(learner)
        told = server.remove(learner)
        for name in self._copies(learner):
            with contextlib.suppress(LabError):
                self._noted(name, self._servers[name].remove(learner))
        return self._noted(at, told)

    def extend(self, learner: str, seconds: float) -> Standing:
        return self._noted(self.at(learner), self.of(learner).extend(learner, seconds))

    def touch(self, learner: str) -> None:
        self.of(learner).touch(learner)

    def teach(self, exercises: Sequence[str]) -> None:
        """Each server that answers hears of it now, and every one before it starts a lab."""
        self._taught = tuple(exercises)
        with self._lock:
            there = [server for name, server in self._servers.items() if name not in self._silent]
        for server in there:
            self._teach(server)

    def _teach(self, server: Server) -> None:
        if self._taught:
            try:
                server.teach(self._taught)
            except LabError as error:  # as of one with an older course: its labs are good for the rest
                LOG.warning("A server does not know what is taught: %s", error)

    @property
    def alive(self) -> bool:
        """Whether any server answers."""
        return any(one.alive for one in self.places())

    def at(self, learner: str) -> str:
        """The name of the server that has the learner's lab. Raises LabError."""
        with self._lock:
            known = learner in self._at
        if not known:
            self.places()
        with self._lock:
            if learner not in self._at or self._at[learner] not in self._servers:
                raise LabError(f"{learner} has no lab.", "start it")
            return self._at[learner]

    def of(self, learner: str) -> Server:
        """That server. Raises LabError too where it does not answer."""
        at = self.at(learner)
        with self._lock:
            if at in self._silent:
                raise self._away(learner, at)
            return self._servers[at]

    def jupyters(self, learner: str) -> tuple[str, Jupyters | None]:
        """The server that has the learner's lab, and the JupyterLabs there. Raises LabError."""
        at = self.at(learner)
        with self._lock:
            return at, self._servers[at].jupyters

    def lost(self, name: str) -> bool:
        """Whether a server has been silent for so long that its learners are placed anew, or is none of these any more."""
        with self._lock:
            return name not in self._servers or self._lost(name)

    # What is seen

    def places(self) -> tuple[Place, ...]:
        """Every server as it is now, all asked at the same time. One that does not answer has the learners that it had."""
        asked = time.monotonic()
        with self._lock:
            servers = dict(self._servers)
        with ThreadPoolExecutor(max(1, len(servers)), "labkit-fleet") as pool:
            answers = dict(zip(servers, pool.map(_ask, servers.values()), strict=True))
        with self._lock:
            before = {learner: self._last(learner) for learner in self._at}
            for name, there in answers.items():
                self._take(name, there, asked)
            self._find()
            self._keep()
            after = {learner: self._last(learner) for learner in self._at}
            now = self._now()
        for learner, one in after.items():
            if one and one != before.get(learner):
                self._tell(self._news.changed, one)
        return now

    def _take(self, name: str, there: dict[str, Standing] | None, asked: float) -> None:
        """What a server answered. One that is away keeps its learners."""
        if there is None:
            self._silent.setdefault(name, asked)
            return
        self._silent.pop(name, None)
        self._seen[name] = there
        for learner in [who for who, at in self._at.items() if at == name]:
            lab = there.get(learner)
            if (lab is None or lab.state is State.ABSENT) and self._placed.get(learner, 0.0) < asked:
                del self._at[learner]

    def _find(self) -> None:
        """Where learners are of whom nothing is known. Of two labs, the one that runs and was used last is theirs."""
        labs = [
            (lab.state is not State.STOPPED, lab.active, name, learner)
            for name, there in self._seen.items()
            if name not in self._silent
            for learner, lab in there.items()
            if learner not in self._at and lab.state is not State.ABSENT
        ]
        for _, _, name, learner in sorted(labs):
            self._at[learner] = name

    def _last(self, learner: str) -> Standing | None:
        at = self._at[learner]
        if at in self._silent or at not in self._servers:
            return self._unknown(learner, at)
        return self._seen.get(at, {}).get(learner)

    def _unknown(self, learner: str, at: str) -> Standing:
        last = self._seen.get(at, {}).get(learner) or Standing(learner, "", State.UNKNOWN)
        return replace(last, state=State.UNKNOWN, doing="", problem=f"The server {at} does not answer.")

    def _noted(self, name: str, told: Standing) -> Standing:
        with self._lock:
            before = self._seen.setdefault(name, {}).get(told.learner)
            self._seen[name][told.learner] = told
            news = told != before and self._at.get(told.learner) == name
        if news:
            self._tell(self._news.changed, told)
        return told

    def _now(self) -> tuple[Place, ...]:
        """A lab that was stopped when its learner was placed elsewhere takes room too."""
        places = []
        for name, server in self._servers.items():
            there = self._seen.get(name, {})
            others = sum(1 for who, lab in there.items() if lab.state is not State.ABSENT and self._at.get(who) != name)
            learners = frozenset(who for who, at in self._at.items() if at == name)
            places.append(Place(name, server.room - others, learners, name not in self._silent))
        return tuple(places)

    def _lost(self, name: str) -> bool:
        return name in self._silent and time.monotonic() >= self._silent[name] + self._patience

    def _copies(self, learner: str) -> list[str]:
        """Servers that answer and have a lab of the learner's that is not theirs any more."""
        with self._lock:
            return [
                name
                for name, there in self._seen.items()
                if learner in there and name != self._at.get(learner) and name not in self._silent
            ]

    @staticmethod
    def _away(learner: str, at: str) -> LabError:
        return LabError(
            f"The server {at} with {learner}'s lab does not answer.",
            "wait a minute: it comes back, or the lab is started anew on another server",
        )

    # What is done

    def _begin(self, learner: str, name: str) -> None:
        self._at[learner] = name
        self._placed[learner] = math.inf
        self._keep()

    def _start(self, learner: str, name: str, say: Say = lambda _: None) -> Standing:
        try:
            self._teach(self._servers[name])
            return self._noted(name, self._servers[name].start(learner, say))
        finally:
            with self._lock:
                self._placed[learner] = time.monotonic()

    def _keep(self) -> None:
        if self._file and self._kept != self._at:
            with keeping.writing("Who is placed where", "free some space"):
                keeping.write_whole(self._file, msgspec.json.encode(self._at), mode=0o600)
            self._kept = dict(self._at)

    def place_anew(self, soon: bool = True) -> tuple[dict[str, Standing], tuple[str, ...]]:
        """Starts new labs for the learners of servers that do not answer: {learner: how the new lab stands}, and those who have
        none yet, for want of room or because the start failed. `soon`: also where a server has been silent for less than its
        time, and for labs that were at rest."""
        self.places()
        with self._lock:
            living = [one for one in self._now() if one.alive]
            waiting = self._waiting(soon)
            to, left = planning.moved([*living, Place("", 0, frozenset(waiting), False)])
            before = {learner: self._at[learner] for learner in to}
            for learner, name in to.items():
                self._begin(learner, name)
        started: dict[str, Standing] = {}

        def move(learner: str) -> None:
            self._tell(self._news.happened, f"{learner}'s lab is started anew on {to[learner]}.")
            try:
                started[learner] = self._start(learner, to[learner])
            except LabError as error:
                with self._lock:
                    self._at[learner], self._failed[learner] = before[learner], time.monotonic()
                    self._keep()
                self._tell(self._news.happened, f"{learner}'s lab did not start on {to[learner]}: {error}")

        with ThreadPoolExecutor(max(1, len(to)), "labkit-anew") as pool:
            list(pool.map(move, to))
        if new := set(left) - self._told:
            self._told |= new
            self._tell(self._news.happened, f"There is no room for the labs of {', '.join(sorted(new))}.")
        return started, tuple(sorted({*to, *left} - set(started)))

    def _waiting(self, soon: bool) -> list[str]:
        """Learners whose lab is to be started elsewhere."""
        now = time.monotonic()
        return [
            learner
            for learner, at in self._at.items()
            if at in self._silent
            and self._placed.get(learner, 0.0) != math.inf
            and (soon or (self._lost(at) and self._in_use(learner) and now >= self._failed.get(learner, 0.0) + AGAIN))
        ]

    def _in_use(self, learner: str) -> bool:
        """Whether the lab ran when its server was last seen."""
        last = self._seen.get(self._at[learner], {}).get(learner)
        return last is None or last.state not in AT_REST

    # What it does by itself

    def _tend(self) -> None:
        while not self._over.wait(self._beat):
            self.places()
            self._tell_of_servers()
            for learner, name in self._doubles():
                self._run(f"{name} {learner}", partial(self._stop_double, learner, name))
            with self._lock:
                waiting = self._waiting(soon=False)
            if waiting:
                self._run("", partial(self.place_anew, soon=False))

    def _tell_of_servers(self) -> None:
        with self._lock:
            lost = {name for name in self._silent if self._lost(name)}
            back = self._told & set(self._servers) - set(self._silent)
            new, self._told = lost - self._told, (self._told | lost) - back
        for name in sorted(new):
            self._tell(self._news.happened, f"The server {name} has not answered for {self._patience:.0f} s.")
        for name in sorted(back):
            self._tell(self._news.happened, f"The server {name} is back.")

    def _doubles(self) -> list[tuple[str, str]]:
        """(learner, server) of each lab that runs and is not the learner's any more."""
        with self._lock:
            return [
                (learner, name)
                for name, there in self._seen.items()
                if name not in self._silent
                for learner, lab in there.items()
                if self._at.get(learner, name) != name and lab.state not in AT_REST
            ]

    def _stop_double(self, learner: str, name: str) -> None:
        if jupyters := self._servers[name].jupyters:
            with contextlib.suppress(LabError):  # one that nobody asks after ends by itself
                jupyters.end(learner)
        self._noted(name, self._servers[name].stop(learner))
        self._tell(self._news.happened, f"{learner}'s lab on {name} is stopped: they have another one now.")

    def _run(self, what: str, do: Callable[[], object]) -> None:
        """Does it in a thread of its own, unless the same is being done."""
        if self._over.is_set() or (what in self._jobs and self._jobs[what].is_alive()):
            return

        def work() -> None:
            try:
                do()
            except LabError as error:
                LOG.warning("%s", error)

        self._jobs = {each: job for each, job in self._jobs.items() if job.is_alive()}
        self._jobs[what] = threading.Thread(target=work, name="labkit-fleet", daemon=True)
        self._jobs[what].start()

    @staticmethod
    def _tell(whom: Callable[[T], None], what: T) -> None:
        """Whoever fails to take one gets the next."""
        try:
            whom(what)
        except Exception:
            LOG.exception("The classroom did not take what the fleet told it.")


def _ask(server: Server) -> dict[str, Standing] | None:
    """Whose labs it has; None if it does not answer."""
    try:
        if not server.alive:
            return None
        told = server.all()
    except LabError:
        return None
    if any(one.state is State.UNKNOWN for one in told):
        return None
    return {one.learner: one for one in told}
