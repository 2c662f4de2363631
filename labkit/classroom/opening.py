"""Opens a classroom: its folder, its key, its database, its roster, and what lets people in."""

import contextlib
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from labkit.classroom.app import serve
from labkit.classroom.app.api import BROKER
from labkit.classroom.app.room import Room, now
from labkit.classroom.app.serve import Place
from labkit.classroom.broker.fleet import PATIENCE, Fleet, News
from labkit.classroom.broker.labs import Server
from labkit.classroom.broker.servers import Servers
from labkit.classroom.broker.standing import Standing
from labkit.classroom.gradebook import Gradebook
from labkit.classroom.records import judging, people
from labkit.classroom.records.database import Database
from labkit.classroom.records.models import Workshop
from labkit.classroom.rules import entries
from labkit.errors import LabError
from labkit.lab.owner import workshop as keys
from labkit.work import keeping

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
    clock: Callable[[], datetime] = now


@dataclass(frozen=True)
class Opened:
    """A classroom that can be served, and what to tell people."""

    room: Room
    place: Place
    socket: socket.socket
    code: str
    """The join code."""
    link: str
    """Signs in the instructor, once."""
    learners: int
    notes: tuple[str, ...]
    """What was left out of the roster."""
    folder: Path


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
        if read:
            enrolled = people.enroll(session, workshop, read)
            told = f"{len(enrolled.added)} added, {len(enrolled.changed)} changed, {enrolled.same} as before"
            people.note(session, workshop, moment, "roster", told)
        there = people.learners(session, workshop)
        one = people.staff(session, workshop, people.INSTRUCTOR, INSTRUCTOR)
        people.end_all(session, workshop, people.CODE, moment)
        people.end_all(session, workshop, people.LINK, moment, one)
        code = people.issue(session, key.key, workshop, people.CODE, None, moment, uses=max(1, len(there)))
        link = people.issue(session, key.key, workshop, people.LINK, one, moment, uses=1)
        broker = _broker(session, room, workshop, folder, moment)
        people.note(session, workshop, moment, "opened", room.address)
    with keeping.writing("The broker's key", "free some space"):
        keeping.write_whole(folder / "broker.token", broker, mode=0o600)
    link = f"{room.address}/join/{link}"
    notes = read.notes if read else ()
    return Opened(room, place, opened, f"{code[:4]}-{code[4:]}", link, len(there), notes, folder)


@contextlib.contextmanager
def servers(
    opened: Opened,
    here: Server | None = None,
    addresses: Mapping[str, str] | None = None,
    changed: Callable[[Standing], None] = lambda _: None,
    patience: float = PATIENCE,
) -> Iterator[Fleet]:
    """The labs of all servers as the room's, while the block runs: of the broker here, and of those that have joined or will.
    What happens to servers is in the log. `addresses` and `patience` as in servers.py; `changed` hears of each lab. Raises
    LabError."""
    room = opened.room

    def happened(text: str) -> None:
        with room.database.writing() as session:
            people.note(session, room.workshop(session), room.clock(), "servers", text)
        room.changed()

    room.servers = Servers(opened.folder, room.key.public, here, News(changed, happened), addresses, patience)
    with room.servers.fleet as fleet:
        if fleet.places():  # else nobody gets a lab until a broker joins
            room.labs = fleet
        yield fleet


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
    file = wanted.key or folder / "workshop.key"
    if wanted.key is None and not file.exists():
        keys.new(file, wanted.name)
    return keys.read(file)
