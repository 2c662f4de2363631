"""`labkit classroom`"""

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from labkit import paths
from labkit.cli import broker
from labkit.cli.output import Seconds, json_option, tell, tell_json, tell_lines

if TYPE_CHECKING:
    from labkit.classroom.opening import Opened, Wanted


@click.group()
def classroom() -> None:
    """Run a graded workshop for many learners: roster, live board, marks.

    It is in the making: docs/instructing.md says what is there.

    \b
    Example: labkit classroom up --workshop spring --learners roster.csv
             labkit classroom demo --learners 30
    """


def _folder() -> Path:
    own = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state")
    return Path(os.environ.get("LABKIT_CLASSROOM") or own / "registry-classroom")


folder_option = click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where classrooms keep key and records. [default: LABKIT_CLASSROOM, or your state folder]",
)
port_option = click.option(
    "--port", type=click.IntRange(0, 65535), default=8443, show_default=True, help="0: a free one."
)


@classroom.command()
@click.option("--workshop", "name", required=True, help="The workshop's name. It is made the first time.")
@click.option("--learners", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="A roster: a CSV file.")
@click.option("--exercise", "exercises", multiple=True, help="For a new workshop: its exercises. [default: 01 to 05]")
@click.option("--host", default="0.0.0.0", show_default=True, help="Listen there; 127.0.0.1 is this machine only.")  # noqa: S104
@port_option
@click.option(
    "--database",
    default="",
    help="A URL of PostgreSQL; better in LABKIT_CLASSROOM_DATABASE, if it has a password. [default: SQLite in the folder]",
)
@click.option(
    "--key", type=click.Path(path_type=Path, dir_okay=False), help="A key of `labkit workshop new`. [default: its own]"
)
@folder_option
@click.option(
    "--broker",
    "brokers",
    multiple=True,
    metavar="NAME=https://HOST:PORT",
    help="Where a broker that has joined is reached now. [default: where it said when it joined]",
)
@click.option(
    "--anew-after",
    type=Seconds(),
    default="60s",
    show_default=True,
    help="How long a broker may be silent before its learners get new labs on other servers.",
)
@json_option
def up(
    name: str,
    learners: Path | None,
    exercises: tuple[str, ...],
    host: str,
    port: int,
    database: str,
    key: Path | None,
    folder: Path | None,
    brokers: tuple[str, ...],
    anew_after: float,
    as_json: bool,
) -> None:
    """Start the classroom, and print how to get in.

    Ctrl-C ends it; what it knows is kept.

    Example: labkit classroom up --workshop spring --learners roster.csv
    """
    _ready()
    from labkit.classroom import opening
    from labkit.classroom.app import serve
    from labkit.content import exercises as course

    chosen = tuple(one.slug for one in course.chosen(list(exercises) or FIRST))
    wanted = opening.Wanted(
        name=name,
        folder=folder or _folder(),
        exercises=chosen,
        host=host,
        port=port,
        database=database or os.environ.get("LABKIT_CLASSROOM_DATABASE", ""),
        key=key,
        roster=learners.read_bytes() if learners else None,
    )
    opened = opening.open_(wanted)
    with opening.servers(opened, addresses=broker.addresses(brokers), patience=anew_after):
        _tell(opened, wanted, as_json)
        serve.run(opened.room, opened.place, opened.socket)


FIRST = ["01", "02", "03", "04", "05"]
"""The exercises of a workshop for which nobody chose any."""


def _ready() -> None:
    from labkit.classroom import needs

    needs.check()


def _tell(opened: "Opened", wanted: "Wanted", as_json: bool) -> None:
    if as_json:
        told = {
            "address": opened.room.address,
            "workshop": wanted.name,
            "code": opened.code,
            "instructor": opened.link,
            "learners": opened.learners,
            "fingerprint": opened.room.fingerprint,
            "folder": str(opened.folder),
            "notes": list(opened.notes),
        }
        tell_json(told)
    else:
        tell(f"The classroom {wanted.name} is open: {opened.room.address}")
        tell(f"You sign in, once, with: {opened.link}")
        tell(
            f"Learners sign in with their id and the code {opened.code} (4 hours), or with links from the page Workshop."
        )
        tell(f"{opened.learners} learners are on the roster.")
        for note in opened.notes:
            tell(f"! {note}", err=True)
        tell(f"Browsers warn about the certificate until they know {opened.folder / 'tls' / 'ca.pem'}.")
        tell("Ctrl-C ends it. What it knows stays.")
    sys.stdout.flush()


@classroom.command()
@click.option("--workshop", "name", required=True, help="The workshop's name.")
@click.option("--database", default="", help="As for `up`; better in LABKIT_CLASSROOM_DATABASE.")
@folder_option
def gradebook(name: str, database: str, folder: Path | None) -> None:
    """Print a workshop's marks as JSON.

    Every mark, with the one that counts: for other programs, and to keep. It works while the classroom is open, too.

    Example: labkit classroom gradebook --workshop spring > gradebook.json
    """
    _ready()
    from labkit.classroom import opening

    found = opening.marks(folder or _folder(), name, database or os.environ.get("LABKIT_CLASSROOM_DATABASE", ""))
    click.echo(found.dump().decode(), nl=False)


@classroom.command()
@click.option("--learners", type=click.IntRange(1, 500), default=30, show_default=True)
@click.option(
    "--speed",
    type=click.FloatRange(1, 10_000),
    default=10.0,
    show_default=True,
    help="So much faster than a real hour.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Listen there.")
@port_option
@click.option("--database", default="", help="A URL of an empty PostgreSQL. [default: SQLite, thrown away]")
@click.option("--once", is_flag=True, help="End when the class is over, and print what was played.")
@json_option
def demo(learners: int, speed: float, host: str, port: int, database: str, once: bool, as_json: bool) -> None:
    """Try the board with a simulated class.

    It is played from recordings, with its mistakes, against a real classroom that is thrown away afterwards.

    Example: labkit classroom demo --learners 30
    """
    _ready()
    from labkit.classroom import opening, playing
    from labkit.classroom.app import serve
    from labkit.classroom.demo import Class, Clock

    place = Path(tempfile.mkdtemp(prefix="labkit-classroom-"))
    clock = Clock(speed)
    wanted = opening.Wanted(
        name="demo",
        folder=place,
        exercises=tuple(playing.recorded().attempts),
        host=host,
        port=port,
        database=database,
        roster=playing.roster(learners),
        clock=clock,
    )
    try:
        opened = opening.open_(wanted)
        people = Class(opened, clock, [f"learner{number + 1:03d}" for number in range(learners)])
        with serve.beside(opened.room, opened.place, opened.socket), _interrupted(people.stop):
            if not once or not as_json:
                _tell(opened, wanted, as_json)
            played = people.play(playing.plan(learners))
            clock.real()
            told = {
                "results": played.results,
                "laptops": played.laptops,
                "hands": played.hands,
                "problems": played.problems,
            }
            if as_json:
                tell_json(told)
            else:
                tell(
                    f"Played: {played.results} results, {played.laptops} of them by laptops; {played.hands} raised hands."
                )
                for problem in played.problems:
                    tell(f"! {problem}", err=True)
            sys.stdout.flush()
            if not once:
                people.stop.wait()
        opened.room.database.close()
    finally:
        shutil.rmtree(place, ignore_errors=True)
    sys.exit(2 if played.problems else 0)


@contextlib.contextmanager
def _interrupted(stop: threading.Event) -> Iterator[None]:
    """Ctrl-C and SIGTERM set the event, in here."""

    def end(signum: int, frame: FrameType | None) -> None:
        stop.set()

    before = [(one, signal.signal(one, end)) for one in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield
    finally:
        for one, handler in before:
            signal.signal(one, handler)


@classroom.command()
@click.argument("address")
def join(address: str) -> None:
    """On your own machine: join a classroom.

    Your folder reports there from then on. It asks for the code from your page of the classroom.

    Example: labkit classroom join https://192.0.2.7:8443
    """
    from labkit.classroom import queue

    code = click.prompt("Code", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()
    work = paths.home().work
    joined = queue.join(work, address, code)
    tell(f"✓ This folder reports to the workshop {joined.workshop}, as {joined.learner}.")
    tell(f"Start your lab with its values: labkit up --values {queue.values(work)}")
    tell("Then report what it shows: labkit classroom report")


@classroom.command()
@click.option(
    "--observation",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="What `labkit observe` printed. [default: look at the lab now]",
)
@json_option
def report(observation: Path | None, as_json: bool) -> None:
    """On your own machine: send what your lab shows.

    Offline it is kept, and sent with the next report.

    Example: labkit classroom report
    """
    from labkit.classroom import queue

    work = paths.home().work
    queue.joined(work)
    if observation:
        text = observation.read_text()
    else:
        from labkit.lab.looking.observe import observe

        text = observe().dump()
    queue.put(work, text)
    sent = queue.send(work)
    if as_json:
        tell_json(
            {
                "sent": sent.sent,
                "again": sent.again,
                "refused": list(sent.refused),
                "left": sent.left,
                "away": sent.away,
            }
        )
    else:
        tell_lines(_said(sent.sent, sent.again, sent.left, sent.away))
        for why in sent.refused:
            tell(f"✗ Not taken: {why}", err=True)
    sys.exit(2 if sent.refused else 1 if sent.left else 0)


def _said(sent: int, again: int, left: int, away: str) -> str:
    lines = []
    if sent or again:
        lines.append(f"✓ {sent} sent" + (f", {again} had been taken before" if again else "") + ".")
    if left:
        lines.append(f"… {left} kept for later: {away}" if away else f"… {left} kept for later.")
    return "\n".join(lines) or "Nothing to send."


broker.add(classroom)
