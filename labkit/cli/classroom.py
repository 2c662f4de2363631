"""`labkit classroom`"""

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from labkit import paths
from labkit.cli import broker as servers
from labkit.cli import hub as hubs
from labkit.cli.output import Seconds, ask_secret, json_option, progress, tell, tell_json, tell_lines
from labkit.errors import LabError

if TYPE_CHECKING:
    from labkit.classroom.app.hub import Hub
    from labkit.classroom.broker.broker import Broker
    from labkit.classroom.opening import Labs, Opened, Wanted


@click.group()
def classroom() -> None:
    """Run a graded workshop for many learners: roster, live board, marks.

    docs/instructing.md, "A workshop", goes through it step by step.

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
@click.option(
    "--lti",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A TOML file with learning platforms (LTI 1.3), as in docs/instructing.md.",
)
@click.option(
    "--certificate",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A certificate that browsers know, with its chain (PEM). [default: one of the classroom's own, of which they warn]",
)
@click.option(
    "--certificate-key",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The file with its key (PEM).",
)
@click.option(
    "--address",
    default="",
    metavar="https://HOST[:PORT]",
    help="Where people reach the classroom. [default: the certificate's name, or an address of this machine]",
)
@folder_option
@click.option(
    "--labs/--no-labs",
    "with_labs",
    default=None,
    help="Whether learners get labs on this machine. [default: if a Docker Engine answers]",
)
@click.option(
    "--labs-here",
    "most",
    type=click.IntRange(1, 256),
    help="How many labs there may be on this machine. [default: with other servers, as many as fit; else 256]",
)
@click.option("--workers", type=click.IntRange(0, 5), default=2, show_default=True, help="Workers of each lab.")
@click.option(
    "--idle",
    type=Seconds(),
    default="60m",
    show_default=True,
    help="Stop a lab, or a JupyterLab, in which nothing happened for so long; 0 for never.",
)
@click.option("--lab-time", type=Seconds(), default="8h", show_default=True, help="How long a lab lives; 0 for no end.")
@click.option("--remove-labs", is_flag=True, help="At the end remove all labs. [default: they go on]")
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
@hubs.options
def up(
    name: str,
    learners: Path | None,
    exercises: tuple[str, ...],
    host: str,
    port: int,
    database: str,
    key: Path | None,
    lti: Path | None,
    certificate: Path | None,
    certificate_key: Path | None,
    address: str,
    folder: Path | None,
    with_labs: bool | None,
    most: int | None,
    workers: int,
    idle: float,
    lab_time: float,
    remove_labs: bool,
    brokers: tuple[str, ...],
    anew_after: float,
    as_json: bool,
    hub: hubs.Asked | None,
) -> None:
    """Start the classroom, and print how to get in.

    Ctrl-C ends it; what it knows is kept. Labs go on, and the next start finds them: `labkit classroom down` removes them.

    Example: labkit classroom up --workshop spring --learners roster.csv
    """
    _ready()
    from labkit.classroom import opening
    from labkit.classroom.app import serve
    from labkit.classroom.broker import joining
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
        lti=lti,
        certificate=_both(certificate, certificate_key),
        address=address,
    )
    opened = opening.open_(wanted)
    asked = opening.Labs(workers, idle, lab_time, remove=remove_labs) if with_labs is not False else None
    others = bool(joining.known(opened.folder))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # labs are left in order, as after Ctrl-C
    with (
        _labs(opened, asked, most, others, must=bool(with_labs)) as here,
        opening.servers(opened, here, servers.addresses(brokers), anew_after),
        hubs.beside(opened, here, hub, idle, elsewhere=others or with_labs is False) as jupyter,
    ):
        _tell(opened, wanted, as_json, here, jupyter)
        serve.run(opened.room, opened.place, opened.socket)


def _both(certificate: Path | None, key: Path | None) -> tuple[Path, Path] | None:
    """Raises LabError for one without the other."""
    if certificate and key:
        return certificate, key
    if certificate or key:
        raise LabError(
            "A certificate needs its key, and a key its certificate.",
            "labkit classroom up --certificate FULLCHAIN.pem --certificate-key PRIVKEY.pem …",
        )
    return None


@contextlib.contextmanager
def _labs(
    opened: "Opened", asked: "Labs | None", most: int | None, others: bool, must: bool
) -> "Iterator[Broker | None]":
    """The broker of this machine's labs while the block runs, or None. `most` labs, or where there are `others`, who take part
    of the learners, as many as fit. Raises LabError where there `must` be one."""
    from labkit.classroom import opening
    from labkit.lab.engine import engines

    home, stack = paths.home(), contextlib.ExitStack()
    broker = None
    if asked:
        with progress() as say:
            try:
                engine = engines.ensure(home, say) if must else engines.find(home)
            except LabError as error:
                if must:
                    raise
                tell(f"! Learners get no labs here. {error}", err=True)
            else:
                if most or others:
                    asked = replace(asked, most=most or servers.fitting(engine, opened.folder, asked.workers, say))
                broker = stack.enter_context(opening.labs(opened, engine, asked, say))
    with stack:
        yield broker


@classroom.command()
@click.option("--workshop", "name", required=True, help="The workshop's name.")
@folder_option
def down(name: str, folder: Path | None) -> None:
    """Remove the labs of a workshop whose classroom has ended.

    Roster, results and marks stay.

    Example: labkit classroom down --workshop spring
    """
    _ready()
    from labkit.classroom import opening
    from labkit.lab.engine import engines

    with progress() as say:
        gone = opening.remove_labs(folder or _folder(), name, engines.find(paths.home()), say)
    tell(f"✓ {gone} labs are removed. Roster, results and marks are still there.")


_DOWN = "labkit classroom down --workshop"

MINUTE, DAY = 60.0, 24 * 3600.0
"""Between two tries to send, at most, and for how long it is tried."""

FIRST = ["01", "02", "03", "04", "05"]
"""The exercises of a workshop for which nobody chose any."""


def _ready() -> None:
    from labkit.classroom import needs

    needs.check()


def _tell(
    opened: "Opened", wanted: "Wanted", as_json: bool, broker: "Broker | None" = None, jupyter: "Hub | None" = None
) -> None:
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
            "labs": broker is not None,
            "hub": jupyter.port if jupyter else None,
        }
        tell_json(told)
    else:
        tell(f"The classroom {wanted.name} is open: {opened.room.address}")
        tell(f"You sign in, once, with: {opened.link}")
        by_code = f"their id and the code {opened.code} (4 hours), or with " if opened.code else ""
        tell(f"Learners sign in with {by_code}links from the page Workshop.")
        tell(f"{opened.learners} learners are on the roster.")
        for note in opened.notes:
            tell(f"! {note}", err=True)
        if not opened.place.outside:
            tell(f"Browsers warn about the certificate until they know {opened.folder / 'tls' / 'ca.pem'}.")
        if broker:
            there = len(broker.all())
            tell(f"A learner's lab starts when they sign in. {there} labs are here from before.")
        if jupyter and not broker:
            tell(_other_servers(opened, wanted.name))
        if broker and not jupyter:
            from labkit.classroom import opening

            tell("Their page has a terminal on the lab's machines, and no lessons: --hub gives everybody JupyterLab.")
            if asked := opening.with_questions(opened):
                tell(
                    f"! Questions are answered in JupyterLab: without --hub, {', '.join(asked)} cannot be finished.",
                    err=True,
                )
        if jupyter:
            tell(f"JupyterHub listens on port {jupyter.port}: learners open JupyterLab from their page.")
        tell("Ctrl-C ends it. What it knows stays." + (f" So do labs: {_DOWN} {wanted.name}" if broker else ""))
    sys.stdout.flush()


def _other_servers(opened: "Opened", name: str) -> str:
    """Where labs are, if none are here."""
    from labkit.classroom.broker import joining

    joined = ", ".join(one.name for one in joining.known(opened.folder))
    if joined:
        return f"Labs are on other servers only: {joined}."
    return f"No lab starts before another server joins: labkit classroom invite-broker NAME --workshop {name}"


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

    work = paths.home().work
    joined = queue.join(work, address, ask_secret("Code"))
    tell(f"✓ This folder reports to the workshop {joined.workshop}, as {joined.learner}.")
    tell(f"Start your lab with its values: labkit up --values {queue.values(work)}")
    tell("From then on it reports by itself whenever a result has changed. By hand: labkit classroom report")


@classroom.command()
@click.option(
    "--observation",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="What `labkit observe` printed. [default: look at the lab now]",
)
@click.option(
    "--until-sent",
    is_flag=True,
    help="While the classroom cannot be reached, try again, for a day at most.",
)
@json_option
def report(observation: Path | None, until_sent: bool, as_json: bool) -> None:
    """On your own machine: send what your lab shows.

    A folder that has joined does this by itself, in the background, whenever a check's result has changed. Offline it is kept,
    and sent later.

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
    if sent.left and until_sent:
        with queue.alone(work) as alone:
            deadline, pause = time.monotonic() + DAY, 2.0
            while alone and sent.left and time.monotonic() < deadline:
                time.sleep(pause)
                sent, pause = queue.send(work), min(2 * pause, MINUTE)
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


servers.add(classroom)
hubs.add(classroom, folder_option, _folder)
