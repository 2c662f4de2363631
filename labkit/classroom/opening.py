"""Opens a classroom: its folder, its key, its database, its roster, and what lets people in."""

import contextlib
import hashlib
import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from labkit.classroom import needs
from labkit.classroom.app import serve
from labkit.classroom.app.api import BROKER
from labkit.classroom.app.desk import Desk
from labkit.classroom.app.room import Room, now
from labkit.classroom.app.serve import Place
from labkit.classroom.broker import naming
from labkit.classroom.broker.broker import Broker, Settings, Told
from labkit.classroom.gradebook import Gradebook
from labkit.classroom.records import judging, people
from labkit.classroom.records.database import Database
from labkit.classroom.records.models import Workshop
from labkit.classroom.rules import entries
from labkit.content import exercises
from labkit.errors import LabError
from labkit.lab.engine import images
from labkit.lab.engine.engines import Engine, Say
from labkit.lab.owner import workshop as keys
from labkit.work import keeping

if TYPE_CHECKING:
    from labkit.classroom.app.lti import Lti

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
INSTRUCTOR = "instructor"
"""The id of whoever starts the classroom."""


@dataclass(frozen=True)
class Wanted:
    """What `labkit classroom up` was asked for."""

    name: str
    folder: Path
    """Where classrooms are kept; this one in a folder of its name."""
    exercises: tuple[str, ...]
    """For a new workshop; an old one keeps what it has."""
    host: str = "0.0.0.0"  # noqa: S104  (a room of people has to reach it)
    port: int = 8443
    database: str = ""
    """A URL; "" for SQLite in the folder."""
    key: Path | None = None
    roster: bytes | None = None
    lti: Path | None = None
    """A TOML file with learning platforms."""
    clock: Callable[[], datetime] = now


@dataclass(frozen=True)
class Labs:
    """How the labs of a classroom are made."""

    workers: int = 2
    idle: float = 3600.0
    """Seconds after which a lab in which nothing happens is stopped; 0 for never."""
    time: float = 8 * 3600.0
    """Seconds that a lab lives; 0 for no end."""
    remove: bool = False
    """Whether all labs are removed when the classroom ends. Else they go on, and the next start finds them."""


@dataclass(frozen=True)
class Opened:
    """A classroom that can be served, and what to tell people."""

    room: Room
    place: Place
    socket: socket.socket
    code: str
    """The join code; "" where learners come in with links only."""
    link: str
    """Signs in the instructor, once."""
    learners: int
    notes: tuple[str, ...]
    """What was left out of the roster."""
    folder: Path
    key: Path
    """The file of the workshop's key."""


def folder_of(wanted: Path, name: str) -> Path:
    """Raises LabError for a name that is none: it becomes a folder's."""
    if not NAME.fullmatch(name):
        raise LabError(
            f"{name[:100]!r} cannot be a workshop's name.", "use letters, digits, dots and dashes: spring-2027"
        )
    return wanted / name


def open_(wanted: Wanted) -> Opened:
    """Raises LabError. Nothing listens yet to what is asked: `serve.run` answers."""
    folder = folder_of(wanted.folder, wanted.name)
    read = entries.read(wanted.roster) if wanted.roster is not None else None
    with keeping.writing("The classroom's folder", "free some space, or choose another one: --folder"):
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    place = Place(wanted.host, wanted.port, folder / "tls")
    opened, database = serve.listen(place), None
    try:
        database = Database(wanted.database or f"sqlite:///{folder / 'classroom.db'}")
        ca = serve.keys(place)
        room = Room(database, 0, _key(wanted, folder), "", ca, wanted.clock)
        room.address = serve.address(place, opened.getsockname()[1])
        return _fill(wanted, folder, room, place, opened, read)
    except BaseException:
        opened.close()
        if database:
            database.close()
        raise


def _fill(
    wanted: Wanted, folder: Path, room: Room, place: Place, opened: socket.socket, read: entries.Roster | None
) -> Opened:
    moment, key = wanted.clock(), room.key
    weights = [(slug, 1.0) for slug in wanted.exercises]
    with room.database.writing() as session:
        workshop = people.open_workshop(session, wanted.name, key.public.public, weights, moment)
        room.number = workshop.id
        one = people.staff(
            session, workshop, people.INSTRUCTOR, INSTRUCTOR
        )  # first: nobody on a roster may be called so
        left_out: tuple[str, ...] = ()
        if read:
            enrolled = people.enroll(session, workshop, read)
            told = f"{len(enrolled.added)} added, {len(enrolled.changed)} changed, {enrolled.same} as before"
            people.note(session, workshop, moment, "roster", told)
            left_out = enrolled.left_out
        there = people.learners(session, workshop)
        people.end_all(session, workshop, people.CODE, moment)
        people.end_all(session, workshop, people.LINK, moment, one)
        code = ""
        if not workshop.links_only:
            code = people.issue(session, key.key, workshop, people.CODE, None, moment, uses=max(1, len(there)))
        link = people.issue(session, key.key, workshop, people.LINK, one, moment, uses=1)
        broker = _broker(session, room, workshop, folder, moment)
        people.note(session, workshop, moment, "opened", room.address)
    if wanted.lti:
        room.lti = _platforms(room, folder, wanted.lti)
    with keeping.writing("The broker's key", "free some space"):
        keeping.write_whole(folder / "broker.token", broker, mode=0o600)
    link = f"{room.address}/join/{link}"
    notes = (read.notes if read else ()) + left_out
    spelt = code and f"{code[:4]}-{code[4:]}"
    return Opened(room, place, opened, spelt, link, len(there), notes, folder, _key_file(wanted, folder))


@contextlib.contextmanager
def labs(opened: Opened, engine: Engine, asked: Labs, say: Say) -> Iterator[Broker]:
    """A broker on this engine for the room's learners, while the block runs. It finds the labs of an earlier one. Raises
    LabError."""
    room = opened.room
    with room.database.reading() as session:
        workshop = room.workshop(session)
        taught = [exercises.load(slug) for slug, _ in workshop.exercises]
        settings = _settings(opened.folder, workshop.name, opened.key, asked)
    extras = tuple(dict.fromkeys(part for each in taught for part in each.extras))
    images.ensure(engine, say)  # with progress: the broker would build it too, and say nothing
    desk = Desk(room)
    broker = Broker(engine, replace(settings, extras=extras), Told(desk.observed, desk.changed))
    with desk, broker:
        room.labs, room.desk = broker, desk
        desk.refresh()
        try:
            yield broker
        finally:
            if asked.remove:
                _remove(broker, say)


def remove_labs(folder: Path, name: str, engine: Engine, say: Say) -> int:
    """Removes all labs of a workshop whose classroom does not run, and returns how many there were. Raises LabError."""
    place = folder_of(folder, name)
    key = place / "workshop.key"
    if not (place / LABS).is_dir():
        return 0
    if not key.is_file():  # the workshop has a key of its own; for removing labs any does
        key = place / LABS / "unused.key"
        if not key.exists():
            keys.new(key, name)
    with Broker(engine, _settings(place, name, key, Labs())) as broker:
        return _remove(broker, say)


def _remove(broker: Broker, say: Say) -> int:
    there = [one.learner for one in broker.all()]
    if there:
        say(f"removing {len(there)} labs")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(broker.remove, there))
    return len(there)


LABS = "labs"
"""In a classroom's folder: the broker's."""


def _settings(folder: Path, name: str, key: Path, asked: Labs) -> Settings:
    return Settings(lab_names(name), folder / LABS, key, workers=asked.workers, time=asked.time, idle=asked.idle)


def lab_names(name: str) -> str:
    """What the names of a workshop's labs begin with: its own name where that can be, else a short one made from it."""
    if naming.WORKSHOP.fullmatch(name):
        return name
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:12].strip("-")
    return f"w-{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _platforms(room: Room, folder: Path, file: Path) -> "Lti":
    """The learning platforms of a file. Raises LabError."""
    needs.check("pylti1p3", "jwt", "requests")
    from labkit.classroom.app import lti  # only then: it brings libraries that take a while

    return lti.open_(room, folder, file)


def marks(folder: Path, name: str, database: str = "") -> Gradebook:
    """A workshop's marks, whether its classroom is open or not. Raises LabError where there is no such workshop."""
    place = folder_of(folder, name)
    file = place / "classroom.db"
    missing = LabError(f"There is no workshop {name}.", "labkit classroom up --workshop NAME --learners roster.csv")
    if not database and not file.is_file():
        raise missing
    kept = Database(database or f"sqlite:///{file}")
    try:
        with kept.reading() as session:
            workshop = session.scalar(select(Workshop).where(Workshop.name == name))
            if workshop is None:
                raise missing
            return judging.gradebook(session, workshop)
    finally:
        kept.close()


def _broker(session: Session, room: Room, workshop: Workshop, folder: Path, moment: datetime) -> str:
    """The broker's pass: the one that lies in the folder, while it lasts. Brokers on other machines have their own."""
    file = folder / "broker.token"
    old = file.read_text() if file.is_file() else ""
    if old and people.look_up(session, room.key.key, workshop, BROKER, old, moment + timedelta(days=7)):
        return old
    return people.issue(session, room.key.key, workshop, BROKER, None, moment)


def _key(wanted: Wanted, folder: Path) -> keys.Workshop:
    """The workshop's key: the file that was named, or one of the classroom's own, made once."""
    file = _key_file(wanted, folder)
    if wanted.key is None and not file.exists():
        keys.new(file, wanted.name)
    return keys.read(file)


def _key_file(wanted: Wanted, folder: Path) -> Path:
    return wanted.key or folder / "workshop.key"
