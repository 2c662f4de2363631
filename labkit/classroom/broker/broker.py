"""The broker: owner of all labs of a workshop. A classroom calls it, with plain values; learners only ever reach what it gives
them.

What runs is found by the labels on the engine; there is no other record of it. A broker that was killed finds all of its labs
again, and completes those that it was about to start.
"""

import contextlib
import fcntl
import logging
import os
import queue
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from labkit.classroom.broker import disk, naming, overview, planning, standing
from labkit.classroom.broker.guests import Guests, Heard
from labkit.classroom.broker.labs import Jupyters
from labkit.classroom.broker.naming import Places
from labkit.classroom.broker.standing import Act, Found, Noted, Standing, State
from labkit.content import exercises as content
from labkit.errors import LabError
from labkit.lab import find, limit
from labkit.lab.access import Session, Terminal
from labkit.lab.engine import images
from labkit.lab.engine.engines import Engine, Say
from labkit.lab.engine.wire import WireError
from labkit.lab.lab import Lab
from labkit.lab.lifecycle import halt, provision, sweep
from labkit.lab.looking.observe import EVERYTHING
from labkit.lab.owner import invitation, operations, workshop
from labkit.lab.plan import LABEL, Plan
from labkit.lab.share import Share
from labkit.paths import Home
from labkit.seen.claims import NOTHING, Claims
from labkit.seen.observation import Observation
from labkit.work import keeping

LOG = logging.getLogger(__name__)

BEAT = 5.0
"""Seconds between two looks at all labs."""

SAID = "said.json"
"""In a lab's folder: what the learner's side said when it last looked. The broker's own looks go on with it after a restart."""

STOPPED = "stopped"
"""In a lab's folder while it is stopped on purpose: the start (Plan.start) that was stopped. A second line says why, if it was
for the disk."""

DISK, ROUND = "disk", "round"
"""Names of the threads that watch the disk and look at labs in turn; no lab is called so."""

SAME = ("registries", "log", "engines", "swarm", "runs")
"""Sections of an observation that change when a learner does something."""


@dataclass(frozen=True)
class Settings:
    """What a broker makes of its labs. `key` is a workshop's (labkit workshop new): every observation is signed with it."""

    workshop: str
    """The beginning of all its labs' names."""
    root: Path
    key: Path
    workers: int = 2
    extras: tuple[str, ...] = ()
    """Machines beyond the standard lab, until the broker is told what is taught (`teach`)."""
    share: Share | None = field(default_factory=Share)
    time: float = 8 * 3600.0
    """Seconds that a lab lives; 0 for no end."""
    idle: float = 0.0
    """Seconds without a learner's doing after which a lab is stopped; 0 for never."""
    most: int = planning.NETWORKS
    """Labs at the same time."""
    at_once: int = 0
    """Labs that start at the same time; 0: as many as the engine's cores bear."""
    disk: planning.Limits = field(default_factory=planning.Limits)


@dataclass(frozen=True)
class Told:
    """What the broker tells of by itself: one thing after the other, in a thread of its own."""

    observed: Callable[[str, Observation], None] = lambda *_: None
    """(learner, signed observation): whenever the learner's side looked, and at the end of the lab's time."""
    changed: Callable[[Standing], None] = lambda *_: None
    """How a lab stands, whenever something is done with it."""
    happened: Callable[[str], None] = lambda _: None
    """What somebody should know who looks after the server, in a sentence."""


@dataclass
class _Kept:
    """What the broker knows of one lab beside its labels."""

    learner: str
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Only one thing at a time is done to a lab."""
    noted: Noted = field(default_factory=Noted)
    step: str = ""
    said: Claims = NOTHING
    """What the learner's side said when it last looked."""
    seen: bytes = b""
    """A digest of what the learner had done then."""
    looked: float = field(default_factory=time.time)
    """Unix time at which the broker last looked by itself."""
    _noting: threading.Lock = field(default_factory=threading.Lock)

    def note(self, **changes: Any) -> None:
        """Changes what is noted: several threads may, each its own part of it."""
        with self._noting:
            self.noted = replace(self.noted, **changes)

    def step_taken(self, problem: str | None) -> None:
        """Nothing is done with it any more. `problem` is why it failed, None if it did not."""
        with self._noting:
            failed = 0 if problem is None else self.noted.failed + 1
            self.noted = replace(self.noted, doing="", problem=problem or "", failed=failed)
            self.step = ""


class Broker:
    """Use it as a context manager. Every method may be called by any thread, waits until it is done, and raises LabError."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        told: Told | None = None,
        beat: float = BEAT,
        settles: float = standing.SETTLES,
    ) -> None:
        """Raises LabError for a name that no lab can have, and for what is not a workshop's key."""
        naming.check_workshop(settings.workshop)
        self.engine, self.settings = engine, settings
        self._told, self._beat, self._settles = told or Told(), beat, settles
        self._places = Places(settings.root.absolute())
        self._workshop = workshop.read(settings.key)
        self._extras = settings.extras
        self._kept: dict[str, _Kept] = {}
        self._table = threading.Lock()
        self._over = threading.Event()
        self._open = contextlib.ExitStack()
        self._jobs: dict[str, threading.Thread] = {}
        self._disk = disk.Watch(engine, self.owner, settings.disk)
        self._guests = Guests(engine, Heard(self._used, self._observed))
        self._starts = threading.Semaphore(1)
        self._answers = True
        self._news: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self.jupyters: Jupyters | None = None
        """See labs.py: whoever serves this broker to a classroom elsewhere sets it."""

    @property
    def owner(self) -> str:
        """Whose all of its labs are, in their labels."""
        return overview.owner(self._places.root)

    # Beginning and end

    def __enter__(self) -> "Broker":
        """Finds its labs, answers their guests again, and looks after them from now on. Raises LabError where another broker
        runs in this folder, or where the engine does not answer."""
        root = self._places.root
        with keeping.writing("The broker's folder", "choose another folder"), contextlib.ExitStack() as opening:
            root.mkdir(parents=True, exist_ok=True, mode=0o700)
            root.chmod(0o700)
            opening.enter_context(_alone(self._places.lock))
            cores = _asked(self.engine, "/info")["NCPU"]
            self._starts = threading.Semaphore(self.settings.at_once or planning.at_once(cores))
            images.ensure(self.engine, _quiet)
            opening.enter_context(self._guests)
            try:
                self._disk.begin()
                self._sweep_leftovers()
                for found in self._found().values():
                    self._take_up(found)
            except WireError as error:
                raise self._silent(error) from error
            self._open = opening.pop_all()
        for work in (self._tend, self._pass_on):
            self._threads.append(threading.Thread(target=work, name="labkit-broker", daemon=True))
            self._threads[-1].start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the broker when what it was doing is done. The labs go on."""
        self._over.set()
        for job in list(self._jobs.values()):
            job.join()
        self._open.close()
        self._news.put(None)
        for thread in self._threads:
            thread.join()

    def _take_up(self, found: Found) -> None:
        """A lab of an earlier broker's, or of this one's before."""
        kept = self._of(found.learner)
        home = self._home(found.name)
        start, _, full = keeping.load(home.state / STOPPED, bytes.decode, "").strip().partition("\n")
        stopped = bool(found.start) and start == found.start
        kept.note(stopped=stopped, full=full if stopped else "", active=time.time())
        kept.said = keeping.load(home.state / SAID, msgspec.json.Decoder(Claims).decode, NOTHING)
        if (home.state / "pki").is_dir():
            with contextlib.suppress(LabError):  # a lab that is half made has no keys yet: it is completed
                self._guests.answer(home)

    def _sweep_leftovers(self) -> None:
        """Networks and volumes of starts that were killed before there was a container, which would say whose it is."""
        named = {
            kind: {(each["Labels"] or {}).get(LABEL, "") for each in find.owned(self.engine, kind, self.owner)}
            for kind in ("containers", "networks", "volumes")
        }
        # A lab with a container is never one of them, also if it is another workshop's that had this folder.
        for name in sorted((named["networks"] | named["volumes"]) - named["containers"] - {""}):
            sweep.everything(self.engine, self._home(name), _quiet)

    # What the classroom asks for

    def start(self, learner: str, say: Say = lambda _: None) -> Standing:
        """Starts that learner's lab, brings back one that was stopped, or repairs one that is broken. A lab that is there keeps
        its time limit. Waits for its turn: no more labs start at the same time than the cores bear."""
        kept = self._of(naming.check_learner(learner))
        with self._doing(kept, State.STARTING, say) as say_so:
            self._start(kept, say_so)
        return self.status(learner)

    def access(self, learner: str, folder: Path, user: str = "") -> str:
        """Writes a guest's access to that lab into a folder, for that system user or for the caller. Returns the address at
        which the guest gets answers."""
        lab = self._lab(learner)
        address = self._guests.answer(lab.home)
        invitation.write(lab, address, folder, user)
        return address

    def observe(self, learner: str, wanted: Sequence[str] = EVERYTHING, said: Claims | None = None) -> Observation:
        """What the lab holds now, signed. `said` is what the learner's side says, by default what it said last: answers, and
        sign-ins of its own."""
        lab, kept = self._lab(learner), self._of(learner)
        claims = msgspec.to_builtins(kept.said if said is None else said)
        claims.pop("judged", None)
        seen = operations.observe(lab, {"sections": tuple(wanted), "said": claims})
        if set(SAME) <= set(wanted):
            self._compare(kept, seen)
        return seen

    def reset(self, learner: str, slugs: Sequence[str] | None = None, say: Say = lambda _: None) -> None:
        """Brings the lab back to before these exercises, or all of them (None), were begun. The learner's own side stays. With
        all of them, a lab that is stopped or broken is made anew."""
        if slugs is None and self.status(learner).state in (State.STOPPED, State.BROKEN):
            kept = self._of(learner)
            with self._doing(kept, State.STARTING, say) as say_so:
                self._remove(kept, say_so)
                self._start(kept, say_so)
            return
        lab = self._lab(learner)
        operations.reset(lab, slugs, say)
        self.touch(learner)

    def session(self, learner: str, machine: str, command: Sequence[str], terminal: Terminal | None = None) -> Session:
        """Runs a command on a machine of that lab. For help, give it to shared.Shared: then the learner decides who sees it."""
        asked = {"command": tuple(command), "terminal": terminal and vars(terminal)}
        return operations.session(self._lab(learner), machine, asked)

    def stop(self, learner: str) -> Standing:
        """Stops the lab's machines. What is in them is kept, and `start` brings them back."""
        self._halt(self._of(learner))
        return self.status(learner)

    def remove(self, learner: str) -> Standing:
        """Removes the lab, and all that the broker has of it. The learner's folder is not the broker's."""
        kept = self._of(learner)
        with self._doing(kept, State.ENDING) as say:
            self._remove(kept, say)
        return self.status(learner)

    def extend(self, learner: str, seconds: float) -> Standing:
        """Lets the lab end in so many seconds from now."""
        limit.change(self._lab(learner), round(time.time() + seconds))
        return self.status(learner)

    def touch(self, learner: str) -> None:
        """Says that the learner is there: the lab is not idle."""
        kept = self._of(learner)
        kept.note(active=time.time())

    def teach(self, exercises: Sequence[str]) -> None:
        """What the workshop teaches from now on: slugs. Labs that lack a machine for it get it, also while they run. Raises
        LabError for an exercise that there is not."""
        self._extras = tuple(dict.fromkeys(part for slug in exercises for part in content.load(slug).extras))

    def status(self, learner: str) -> Standing:
        """How that learner's lab stands. Never raises for a lab that there is not."""
        name = naming.lab(self.settings.workshop, naming.check_learner(learner))
        kept = self._of(learner)
        try:
            found = self._found(name).get(name)
        except WireError:
            return replace(self._standing(kept, None), state=State.UNKNOWN)
        return self._standing(kept, found)

    @property
    def room(self) -> int:
        """How many labs it makes at most."""
        return self.settings.most

    @property
    def alive(self) -> bool:
        """Whether the engine of its labs answers."""
        try:
            with self.engine.wire(5) as wire:
                wire.request("GET", "/_ping")
        except WireError:
            return False
        return not self._over.is_set()

    def all(self) -> tuple[Standing, ...]:
        """How every lab stands that there is or that something is done with, by learner. Asks the engine once."""
        try:
            found, away = self._found(), False
        except WireError:
            found, away = {}, True
        with self._table:
            known = dict(self._kept)
        told = [self._standing(self._of(each.learner), each) for each in found.values()] + [
            self._standing(kept, None) for name, kept in known.items() if name not in found
        ]
        if away:
            told = [replace(one, state=State.UNKNOWN) for one in told]
        shown = [one for one in told if one.state is not State.ABSENT or one.problem]
        return tuple(sorted(shown, key=lambda one: one.learner))

    # How it is done

    def _of(self, learner: str) -> _Kept:
        """Raises LabError where another learner's lab is called so: who may choose an id can look for such a one."""
        name = naming.lab(self.settings.workshop, learner)
        with self._table:
            kept = self._kept.setdefault(name, _Kept(learner))
        if kept.learner != learner:
            raise LabError(f"The lab of {learner} would be called {name}, as another learner's is.", "change their id")
        return kept

    def _home(self, name: str) -> Home:
        state = self._places.state(name)
        return Home(name, state, state / "work", self._places.cache, engine=self.engine.url, said_owner=self.owner)

    def _found(self, name: str = "") -> dict[str, Found]:
        """{lab: what there is of it}, of all labs of this broker's or of one. Raises WireError."""
        labs: dict[str, list[dict[str, Any]]] = {}
        there = find.containers(self.engine, name) if name else find.owned(self.engine, "containers", self.owner)
        for container in there:
            labs.setdefault(container["Labels"][LABEL], []).append(container)
        found = {}
        for each, containers in labs.items():
            plan = limit.applied(self._home(each), Plan.from_labels(one["Labels"] for one in containers))
            if plan.owner != self.owner or naming.lab(self.settings.workshop, plan.learner) != each:
                continue  # somebody else's, or one that only says that it is
            machines = {part.machine: part.state for part in map(find.instance, containers) if part.machine}
            wanted = tuple(machine.name for machine in plan.machines)
            lacks = not set(self._extras) <= set(plan.extras)
            found[each] = Found(each, plan.learner, wanted, machines, plan.deadline, plan.start, lacks)
        return found

    def _standing(self, kept: _Kept, found: Found | None) -> Standing:
        noted = kept.noted
        return Standing(
            learner=kept.learner,
            lab=naming.lab(self.settings.workshop, kept.learner),
            state=standing.state(found, noted),
            machines=dict(found.machines) if found else {},
            doing=kept.step,
            problem=noted.problem or (str(LabError(noted.full, disk.ANEW)) if noted.full else ""),
            ends=found.deadline if found else 0.0,
            active=noted.active,
        )

    def _lab(self, learner: str) -> Lab:
        """The learner's lab, which must be up. Raises LabError."""
        name = naming.lab(self.settings.workshop, naming.check_learner(learner))
        self._of(learner)
        try:
            lab = find.on(self.engine, self._home(name))
        except WireError as error:
            raise self._silent(error) from error
        if lab is None or not any(part.state == "running" for part in lab.parts.values()):
            what = "has no lab" if lab is None else "has a lab that is stopped"
            raise LabError(f"{learner} {what}.", "start it")
        return lab

    def _silent(self, error: WireError) -> LabError:
        return LabError(f"The Docker Engine that runs the labs does not answer: {error}.", "systemctl status docker")

    @contextlib.contextmanager
    def _doing(self, kept: _Kept, what: State, say: Say = lambda _: None) -> Iterator[Say]:
        """One thing at a time with each lab. What fails is told, and noted for whoever looks."""

        def say_so(text: str) -> None:
            kept.step = text
            say(text)
            self._tell(kept)

        with kept.lock:
            kept.note(doing=str(what), tried=time.time())
            problem: str | None = None
            try:
                yield say_so
            except LabError as error:
                problem = str(error)
                raise
            except WireError as error:
                problem = str(self._silent(error))
                raise self._silent(error) from error
            except BaseException as error:
                problem = f"{type(error).__name__}: {error}"
                raise
            finally:
                kept.step_taken(problem)
                self._tell(kept)

    def _tell(self, kept: _Kept) -> None:
        told = self.status(kept.learner)
        self._news.put(lambda: self._told.changed(told))

    def _pass_on(self) -> None:
        """Tells the news one after the other, in their order. Whoever fails to take one gets the next."""
        while (news := self._news.get()) is not None:
            try:
                news()
            except Exception:
                LOG.exception("The classroom did not take what the broker told it.")

    def _start(self, kept: _Kept, say: Say) -> None:
        name = naming.lab(self.settings.workshop, kept.learner)
        home = self._home(name)
        if name not in (there := self._found()) and len(there) >= self.settings.most:
            raise LabError(f"All {self.settings.most} labs of this server are taken.", "remove labs that nobody needs")
        if name not in there or kept.noted.full:
            self._check_disk(kept)
        say("waiting for its turn")
        with self._starts, provision.lock(home, say):
            if self._over.is_set():
                raise LabError("The broker is being ended.", "start it again, and then the lab")
            lab = provision.up(self.engine, home, self._plan(kept.learner, home), say)
        (home.state / STOPPED).unlink(missing_ok=True)
        kept.note(stopped=False, full="", active=time.time())
        self._guests.answer(lab.home)

    def _check_disk(self, kept: _Kept) -> None:
        """Raises LabError while there is too little of it."""
        try:
            self._disk.check()
        except LabError as error:
            raise LabError(kept.noted.full, disk.ANEW) if kept.noted.full else error from error

    def _plan(self, learner: str, home: Home) -> Plan:
        asked = self.settings
        return Plan(
            home.name,
            home.work,
            asked.workers,
            round(time.time() + asked.time) if asked.time else 0.0,
            learner,
            extras=self._extras,
            key=str(asked.key.absolute()),
            given=self._workshop.person(learner),
            share=asked.share,
        )

    def _halt(self, kept: _Kept, full: str = "") -> None:
        """`full`: why, where it takes too much of the disk. Then it is stopped also if nothing can be written any more."""
        name = naming.lab(self.settings.workshop, kept.learner)
        home = self._home(name)
        with self._doing(kept, State.ENDING) as say:
            if (found := self._found(name).get(name)) is None:
                raise LabError(f"{kept.learner} has no lab.", "start it")
            with provision.lock(home, say):
                # Noted first: a broker that is killed now must not bring it back.
                with contextlib.suppress(OSError) if full else contextlib.nullcontext():
                    keeping.write_whole(home.state / STOPPED, f"{found.start}\n{full}".strip())
                kept.note(stopped=True, full=full)
                halt.machines(self.engine, name, say)

    def _remove(self, kept: _Kept, say: Say) -> None:
        home = self._home(naming.lab(self.settings.workshop, kept.learner))
        self._guests.leave(home.name)
        with provision.lock(home, say):
            sweep.everything(self.engine, home, say)
            shutil.rmtree(home.state, ignore_errors=True)
        kept.note(stopped=False, full="")
        kept.said, kept.seen = NOTHING, b""

    # What it does by itself

    def _used(self, name: str) -> None:
        with self._table:
            kept = self._kept.get(name)
        if kept:
            kept.note(active=time.time())

    def _observed(self, name: str, seen: Observation) -> None:
        """A learner's side has looked at its lab."""
        with self._table:
            kept = self._kept.get(name)
        if kept is None:
            return
        here = (seen.sign_ins or {}).get("here")
        told = {"answers": seen.answers, "here": here}
        said = msgspec.structs.replace(kept.said, **{key: value for key, value in told.items() if value is not None})
        if said != kept.said:
            kept.said = said
            self._news.put(lambda: self._keep_said(name, said))
        self._news.put(lambda: self._told.observed(kept.learner, seen))

    def _keep_said(self, name: str, said: Claims) -> None:
        state = self._home(name).state
        if state.is_dir():
            keeping.write_whole(state / SAID, msgspec.json.encode(said), mode=0o600)

    def _compare(self, kept: _Kept, seen: Observation) -> bool:
        """Whether the learner has done something since it was last compared; that is noted."""
        digest = msgspec.json.encode([getattr(seen, section) for section in SAME])
        changed, kept.seen = digest != kept.seen, digest
        if changed:
            kept.note(active=time.time())
        return changed

    def _tend(self) -> None:
        while not self._over.wait(self._beat):
            try:
                found = self._found()
            except WireError:
                self._heard(False)
                continue  # the engine is being restarted: its labs are repaired once it answers
            self._heard(True)
            for each in found.values():
                self._look_after(each)
            self._run(DISK, partial(self._watch_disk, found))
            self._run(ROUND, partial(self._go_round, found))

    def _heard(self, answers: bool) -> None:
        """Tells when the engine falls silent and when it answers again: labs stand differently, with nothing done to them."""
        if answers == self._answers:
            return
        self._answers = answers
        told = (
            "answers again: labs that it took along are brought back"
            if answers
            else "does not answer: its labs cannot be used"
        )
        self._news.put(lambda: self._told.happened(f"The Docker Engine {told}."))
        with self._table:
            known = list(self._kept.values())
        for kept in known:
            self._tell(kept)

    def _look_after(self, found: Found) -> None:
        kept, now = self._of(found.learner), time.time()
        looked = kept.noted.looking(found, now)
        kept.note(seen=looked.seen, since=looked.since)
        match standing.act(found, kept.noted, now, self.settings.idle, self._settles):
            case Act.REPAIR:
                self._run(found.name, lambda: self._repair(kept))
            case Act.GROW:
                self._run(found.name, lambda: self._repair(kept, State.UP))
            case Act.LOOK:
                self._run(found.name, lambda: self._rest(kept))
            case Act.END:
                self._run(found.name, lambda: self._end(found))

    def _repair(self, kept: _Kept, what: State = State.STARTING) -> None:
        """Completes what there is of a lab. One that was removed meanwhile stays away. `what` is UP for one that runs: it gets
        what it lacks."""
        name = naming.lab(self.settings.workshop, kept.learner)
        with self._doing(kept, what) as say:
            if name in self._found(name) and not (what is State.UP and kept.noted.stopped):
                self._start(kept, say)

    def _watch_disk(self, found: dict[str, Found]) -> None:
        """Stops the lab that takes most of a disk that fills up. What it holds is observed before: it may be reset."""
        running = {each.name for each in found.values() if "running" in each.machines.values()}
        if (greedy := self._disk.greedy(running)) is None:
            return
        name, why = greedy
        kept = self._of(found[name].learner)
        LOG.warning("%s: %s", kept.learner, why)
        self._news.put(lambda: self._told.happened(f"{kept.learner}: {why}"))
        self._observe_last(kept.learner)
        self._halt(kept, why)

    def _rest(self, kept: _Kept) -> None:
        """Stops the lab, unless something has changed in it since it was last looked at."""
        seen = operations.observe(self._lab(kept.learner), {"sections": SAME})
        if not self._compare(kept, seen) and time.time() >= kept.noted.active + self.settings.idle:
            self._observe_last(kept.learner)
            self._halt(kept)

    def _go_round(self, found: dict[str, Found]) -> None:
        """Looks at the running labs whose turn it is, one after the other, and tells what is new. So what is done past labkit,
        in a plain terminal, is recorded too."""
        for each in found.values():
            kept, now = self._of(each.learner), time.time()
            if self._over.is_set():
                return
            if standing.state(each, kept.noted) is State.UP and standing.glance(kept.looked, kept.noted, now):
                kept.looked, before = now, kept.seen
                with contextlib.suppress(LabError, WireError):
                    seen = self.observe(kept.learner)
                    if kept.seen != before:
                        self._news.put(partial(self._told.observed, kept.learner, seen))

    def _end(self, found: Found) -> None:
        """The lab's time is over. What it holds is observed once more."""
        self._observe_last(found.learner)
        self.remove(found.learner)

    def _observe_last(self, learner: str) -> None:
        with contextlib.suppress(LabError, WireError):
            seen = self.observe(learner)
            self._news.put(lambda: self._told.observed(learner, seen))

    def _run(self, name: str, what: Callable[[], object]) -> None:
        """Does it in a thread of its own, unless one with that name is at work."""
        if self._over.is_set() or (name in self._jobs and self._jobs[name].is_alive()):
            return

        def work() -> None:
            with contextlib.suppress(LabError, WireError):  # noted, for whoever looks
                what()

        self._jobs = {each: job for each, job in self._jobs.items() if job.is_alive()}
        self._jobs[name] = threading.Thread(target=work, name=f"labkit-broker {name}", daemon=True)
        self._jobs[name].start()


@contextlib.contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Only one broker in a folder; the system lets go of it when the process dies. Raises LabError."""
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LabError(
                f"Another broker runs in {file.parent}.", "end that one, or choose another folder"
            ) from error
        yield
    finally:
        os.close(handle)


def _asked(engine: Engine, path: str) -> Any:
    """Raises LabError where the engine does not answer."""
    try:
        with engine.wire() as wire:
            return wire.get(path)
    except WireError as error:
        raise LabError(f"The Docker Engine does not answer: {error}.", "systemctl status docker") from error


def _quiet(_: str) -> None:
    pass
