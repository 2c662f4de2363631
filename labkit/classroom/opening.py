"""Opens a classroom: its folder, its key, its database, its roster, and what lets people in."""

import contextlib
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from labkit.classroom import needs
from labkit.classroom.app import serve, tls
from labkit.classroom.app.api import BROKER
from labkit.classroom.app.desk import Desk
from labkit.classroom.app.room import Room, now
from labkit.classroom.app.serve import Place
from labkit.classroom.broker import overview, planning
from labkit.classroom.broker.broker import Broker, Settings, Told
from labkit.classroom.broker.fleet import PATIENCE, Fleet, News
from labkit.classroom.broker.labs import Server
from labkit.classroom.broker.servers import Servers
from labkit.classroom.gradebook import Gradebook
from labkit.classroom.hub.elsewhere import Elsewhere
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
    certificate: tuple[Path, Path] | None = None
    """PEM files of a certificate that browsers know, and of its key."""
    address: str = ""
    """https://HOST:PORT, where people reach it; "" for what the certificate or this machine's addresses say."""
    clock: Callable[[], datetime] = now


@dataclass(frozen=True)
class Labs:
    """How the labs of a classroom are made."""

    workers: int = 2
    idle: float = 3600.0
    """Seconds after which a lab in which nothing happens is stopped; 0 for never."""
    time: float = 8 * 3600.0
    """Seconds that a lab lives; 0 for no end."""
    most: int = planning.NETWORKS
    """Labs at the same time."""
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
    outside = tls.read(*wanted.certificate, wanted.clock()) if wanted.certificate else None
    read = entries.read(wanted.roster) if wanted.roster is not None else None
    with keeping.writing("The classroom's folder", "free some space, or choose another one: --folder"):
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    place = Place(wanted.host, wanted.port, folder / "tls", outside)
    opened, database = serve.listen(place), None
    try:
        database = Database(wanted.database or f"sqlite:///{folder / 'classroom.db'}")
        ca = serve.keys(place)
        room = Room(database, 0, _key(wanted, folder), "", ca, wanted.clock)
        room.address = _given(wanted.address) or serve.address(place, opened.getsockname()[1])
        return _fill(wanted, folder, room, place, opened, read)
    except BaseException:
        opened.close()
        if database:
            database.close()
        raise


def _given(address: str) -> str:
    """The address that was given, as it is shown; "" for none. Raises LabError."""
    try:
        told = urlsplit(address)
        plain = told.scheme == "https" and told.hostname and not (told.path.strip("/") or told.query or told.username)
        port = told.port
    except ValueError:
        plain = port = None
    if address and not plain:
        raise LabError(
            f"{address[:100]} is not an address for a classroom.", "--address https://lab.school.example:8443"
        )
    return serve.written(told.hostname or "", port) if address else ""


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
    ends = (place.outside.note(moment),) if place.outside else ()
    notes = (read.notes if read else ()) + left_out + tuple(filter(None, ends))
    spelt = code and f"{code[:4]}-{code[4:]}"
    return Opened(room, place, opened, spelt, link, len(there), notes, folder, _key_file(wanted, folder))


@contextlib.contextmanager
def labs(opened: Opened, engine: Engine, asked: Labs, say: Say) -> Iterator[Broker]:
    """A broker on this engine for the room's learners, while the block runs. It finds the labs of an earlier one. Raises
    LabError."""
    room = opened.room
    with room.database.reading() as session:
        workshop = room.workshop(session)
        taught = [slug for slug, _ in workshop.exercises]
        name = workshop.name
    images.ensure(engine, say)  # with progress: the broker would build it too, and say nothing
    settings = _settings(engine, opened.folder, name, opened.key, asked)
    desk = Desk(room)
    told = Told(desk.observed, desk.changed, lambda text: _happened(room, text))
    broker = Broker(engine, settings, told)
    broker.teach(taught)
    with desk, broker:
        room.labs, room.desk = broker, desk
        desk.refresh()
        try:
            yield broker
        finally:
            if asked.remove:
                _remove(broker, say)


def _happened(room: Room, text: str) -> None:
    """What happens on the servers of the labs is in the log."""
    with room.database.writing() as session:
        people.note(session, room.workshop(session), room.clock(), "servers", text)
    room.changed()


def with_questions(opened: Opened) -> tuple[str, ...]:
    """The workshop's exercises whose checks ask for answers: these are given in JupyterLab, or with `labkit answer`."""
    with opened.room.database.reading() as session:
        taught = [exercises.load(slug) for slug, _ in opened.room.workshop(session).exercises]
    return tuple(one.slug for one in taught if "answers" in one.sees)


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
    with Broker(engine, _settings(engine, place, name, key, Labs())) as broker:
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


def _settings(engine: Engine, folder: Path, name: str, key: Path, asked: Labs) -> Settings:
    names = overview.names(engine, name, root := folder / LABS)
    return Settings(names, root, key, workers=asked.workers, time=asked.time, idle=asked.idle, most=asked.most)


def _platforms(room: Room, folder: Path, file: Path) -> "Lti":
    """The learning platforms of a file. Raises LabError."""
    needs.check("pylti1p3", "jwt", "requests")
    from labkit.classroom.app import lti  # only then: it brings libraries that take a while

    return lti.open_(room, folder, file)


@contextlib.contextmanager
def servers(
    opened: Opened,
    here: Server | None = None,
    addresses: Mapping[str, str] | None = None,
    patience: float = PATIENCE,
) -> Iterator[Fleet]:
    """The labs of all servers as the room's, while the block runs: of the broker here, and of those that have joined or will.
    What happens to servers is in the log. `addresses` and `patience` as in servers.py. Raises LabError."""
    room = opened.room

    with contextlib.ExitStack() as there:
        if room.desk is None:
            room.desk = there.enter_context(Desk(room))
        news = News(room.desk.changed, lambda text: _happened(room, text))
        room.servers = Servers(opened.folder, room.key.public, here, news, addresses, patience)
        fleet = there.enter_context(room.servers.fleet)
        room.elsewhere = there.enter_context(Elsewhere(fleet, news.happened))
        with room.database.reading() as session:
            fleet.teach([slug for slug, _ in room.workshop(session).exercises])
        if fleet.places():  # else nobody gets a lab until a broker joins
            room.labs = fleet
            room.desk.refresh()
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
    file = _key_file(wanted, folder)
    if wanted.key is None and not file.exists():
        keys.new(file, wanted.name)
    return keys.read(file)


def _key_file(wanted: Wanted, folder: Path) -> Path:
    return wanted.key or folder / "workshop.key"
