"""The parts of `labkit classroom` that are about labs and the servers that run them."""

import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from labkit import paths
from labkit.cli.output import Seconds, ask_secret, json_option, progress, tell, tell_json
from labkit.errors import LabError

if TYPE_CHECKING:
    from labkit.classroom.broker.broker import Settings
    from labkit.classroom.broker.capacity import Measured
    from labkit.classroom.broker.joining import Home
    from labkit.classroom.broker.jupyters import Settings as Running
    from labkit.classroom.broker.planning import Fit, Room
    from labkit.lab.engine.engines import Engine, Say

MIB = 1024**2

LIMITS = {
    "memory": "memory",
    "processor": "the processor: labs at rest use half of it",
    "networks": "the addresses of labs' networks",
    "ports": "free ports",
    "disk": "free disk space: 1 GiB for each learner's images",
}


def add(group: click.Group) -> None:
    """Makes these commands part of `labkit classroom`."""
    group.add_command(capacity)
    group.add_command(labs)
    group.add_command(broker)
    group.add_command(invite_broker)


@click.command()
@click.option("--workers", type=click.IntRange(0, 5), default=2, show_default=True, help="Workers of each lab.")
@click.option("--no-jupyter", is_flag=True, help="Learners have JupyterLab on their own machines.")
@json_option
def capacity(workers: int, no_jupyter: bool, as_json: bool) -> None:
    """How many learners fit on this server. Measures one lab and one JupyterLab, for half a minute.

    Example: labkit classroom capacity
    """
    from labkit.classroom.broker import capacity as measuring
    from labkit.classroom.broker import planning
    from labkit.lab.engine import engines

    with progress() as say:
        engine = engines.ensure(paths.home(), say)
        room = measuring.room(engine)  # before the measurement takes some of it
        measured = measuring.measure(engine, workers, say, jupyter=not no_jupyter)
    fit = planning.fit(room, measured.cost)
    if as_json:
        tell_json(_told(room, measured, fit))
    else:
        _tell(room, measured, fit)
    sys.exit(0 if fit.learners else 1)


def _told(room: "Room", measured: "Measured", fit: "Fit") -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "schema": 1,
        "learners": fit.learners,
        "limit": fit.limit,
        "by": fit.by,
        "seconds": fit.seconds,
        "room": asdict(room),
        "learner": {**asdict(measured.cost), "machines": measured.machines, "engine": measured.engine},
    }


def _tell(room: "Room", measured: "Measured", fit: "Fit") -> None:
    from labkit.classroom.broker import planning

    cost = measured.cost
    tell(f"{fit.learners} learners fit on this server. What limits them is {LIMITS[fit.limit]}.")
    jupyter = f" and a JupyterLab with one notebook open {cost.jupyter / MIB:.0f} MiB" if cost.jupyter else ""
    tell(f"A lab at rest takes {cost.lab / MIB:.0f} MiB{jupyter}; together {cost.cores * 100:.1f} % of a core.")
    tell(f"Left are {room.memory / MIB:,.0f} of {room.total / MIB:,.0f} MiB of memory, and {room.cores} cores.")
    for what, learners in fit.by.items():
        tell(f"  {LIMITS[what].partition(':')[0]:<32} {learners:>5} learners")
    turns = planning.at_once(room.cores)
    tell(f"Starting them takes about {fit.seconds:.0f} s: {turns} at a time, {cost.start:.1f} s each.")
    tell("This is for labs at rest. What learners build and pull comes on top: try it with your exercises.")


@click.command()
@json_option
def labs(as_json: bool) -> None:
    """Show the labs that brokers have made on this engine.

    A classroom need not run.

    Example: labkit classroom labs
    """
    from labkit.classroom.broker import overview
    from labkit.lab.engine import engines

    found = overview.labs(engines.find(paths.home()))
    if as_json:
        tell_json({"schema": 1, "labs": [one.to_json() for one in found]})
        return
    for one in found:
        tell(one.line())
    if not found:
        tell("There are no labs of a classroom on this engine.")


@click.command("invite-broker")
@click.argument("name")
@click.option("--workshop", required=True, help="The workshop's name.")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="As for `up`.")
def invite_broker(name: str, workshop: str, folder: Path | None) -> None:
    """Print a pass for another server's broker.

    It can be used once, for a day. It names this classroom, so that the broker joins no other one. Take it to that server in a
    file: whoever has it gets the workshop's key.

    Example: labkit classroom invite-broker north --workshop spring > north.pass
    """
    from labkit.classroom import opening, queue
    from labkit.classroom.broker import joining
    from labkit.cli.classroom import _folder

    place = opening.folder_of(folder or _folder(), workshop)
    authority = place / "tls" / "ca.pem"
    if not authority.is_file():
        raise LabError(f"There is no classroom for {workshop} yet.", f"labkit classroom up --workshop {workshop}")
    token = joining.invite(place, name)
    click.echo(f"{token}.{queue.fingerprint_of(authority.read_text())}")
    tell("On that server: labkit classroom broker --listen HOST:8444 --join https://THIS-MACHINE:8443 < FILE", err=True)


@click.command()
@click.option("--listen", required=True, help="HOST:PORT at which the classroom reaches this broker.")
@click.option(
    "--join", "classroom", help="https://HOST:PORT of a classroom: joins it first, with a pass from standard input."
)
@click.option("--address", help="https://HOST:PORT, where the classroom has to use another one than --listen.")
@click.option(
    "--labs", "most", type=click.IntRange(1, 256), help="How many labs there may be. [default: as many as fit]"
)
@click.option("--workers", type=click.IntRange(0, 5), default=2, show_default=True, help="Workers of each lab.")
@click.option("--idle", type=Seconds(), default="60m", show_default=True, help="As for `up`.")
@click.option("--lab-time", type=Seconds(), default="8h", show_default=True, help="As for `up`.")
@click.option(
    "--homes", type=click.Path(path_type=Path, file_okay=False), help="For learners' JupyterLabs here: as for `up`."
)
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the broker keeps its keys, and what waits to be sent. [default: registry-broker in your state folder]",
)
def broker(
    listen: str,
    classroom: str | None,
    address: str | None,
    most: int | None,
    workers: int,
    idle: float,
    lab_time: float,
    homes: Path | None,
    root: Path | None,
) -> None:
    """Run labs here for a classroom elsewhere.

    Where it has JupyterHub, learners' JupyterLabs run here too. Ctrl-C ends the broker. Labs and JupyterLabs go on, and the
    next start finds them; it needs no pass any more.

    \b
    Example: labkit classroom broker --listen 192.0.2.8:8444 --join https://192.0.2.7:8443 < north.pass
             labkit classroom broker --listen 192.0.2.8:8444
    """
    from labkit.classroom.app import serve
    from labkit.classroom.broker import joining
    from labkit.classroom.broker.broker import Broker, Told
    from labkit.classroom.broker.delivering import Outbox
    from labkit.classroom.broker.jupyters import Jupyters
    from labkit.classroom.broker.served import Served
    from labkit.cli.classroom import _interrupted
    from labkit.lab.engine import engines, images

    place = serve.Place(*_listen(listen), (own := root or _root()) / "tls")
    code = ask_secret("Pass") if classroom else ""
    over = threading.Event()
    with serve.listen(place) as opened:
        serve.keys(place)
        reached = address or serve.address(place, opened.getsockname()[1])
        home = joining.join(own, classroom, code, reached) if classroom else joining.home(own)
        if home is None:
            raise LabError(f"The broker in {own} has joined no classroom.", "labkit classroom broker --help")
        with progress() as say:
            engine = engines.ensure(paths.home(), say)
            most = most or fitting(engine, own, workers, say)
            settings = _settings(engine, own, home, most, workers, idle, lab_time)
            images.ensure(engine, say)
            jupyters = _jupyters(engine, own, home, homes)
        with (
            _interrupted(over),
            Outbox(own / "outbox") as outbox,
            Broker(engine, settings, Told(observed=outbox.put)) as made,
            Jupyters(jupyters, made) as made.jupyters,
            Served(made, own / "tls", opened),
        ):
            tell(f"The broker {home.name} of the workshop {home.workshop} answers at {reached}. {made.room} labs fit.")
            if why := jupyters.missing:
                tell(f"! Learners get no JupyterLab here, only labs. {why}", err=True)
            sys.stdout.flush()
            over.wait()


def addresses(given: tuple[str, ...]) -> dict[str, str]:
    """Of `up --broker NAME=https://HOST:PORT`. Raises LabError."""
    found = {}
    for one in given:
        name, there, address = one.partition("=")
        if not there or not address:
            raise LabError(f"{one} is not NAME=https://HOST:PORT.", "--broker north=https://192.0.2.8:8444")
        found[name] = address
    return found


def _root() -> Path:
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "registry-broker"


def _listen(text: str) -> tuple[str, int]:
    """Host and port. Raises LabError."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise LabError(f"{text} is not HOST:PORT.", "labkit classroom broker --listen 192.0.2.8:8444")
    return host.strip("[]"), int(port)


def _settings(
    engine: "Engine", own: Path, home: "Home", most: int, workers: int, idle: float, lab_time: float
) -> "Settings":
    from labkit.classroom.broker import overview
    from labkit.classroom.broker.broker import Settings
    from labkit.content import exercises

    extras = dict.fromkeys(part for slug in home.exercises for part in exercises.load(slug).extras)
    return Settings(
        overview.names(engine, home.workshop, root := own / "broker"),
        root,
        own / "workshop.key",
        workers=workers,
        extras=tuple(extras),
        time=lab_time,
        idle=idle,
        most=most,
    )


def _jupyters(engine: "Engine", own: Path, home: "Home", homes: Path | None) -> "Running":
    """How JupyterLabs run here, or why there can be none."""
    from labkit.classroom import queue
    from labkit.classroom.broker import jupyters
    from labkit.classroom.hub import config, install, naming, workplace
    from labkit.lab.owner import workshop

    missing = None
    try:
        install.check_broker(sys.executable, config.for_learners())
        install.check_socket(engine.url)
    except LabError as error:
        missing = error
    return jupyters.Settings(
        own.absolute(),
        naming.realm(workshop.read(own / "workshop.key").public.public),
        home.address,
        queue.joined(own / "outbox").ca,
        sys.executable,
        (homes or workplace.HOMES).absolute(),
        missing=missing,
    )


def fitting(engine: "Engine", folder: Path, workers: int, say: "Say") -> int:
    """How many labs fit here, with a JupyterLab each. Measured the first time; what was measured is kept in `folder`."""
    import msgspec

    from labkit.classroom.broker import capacity, overview, planning
    from labkit.work import keeping

    file = folder / "capacity.json"
    room, there = capacity.room(engine), len(overview.labs(engine))
    cost = keeping.load(file, msgspec.json.Decoder(planning.Cost).decode, None)
    if cost is None:
        cost = capacity.measure(engine, workers, say).cost
        with keeping.writing("What was measured", "free some space"):
            keeping.write_whole(file, msgspec.json.encode(cost))
    return max(1, min(planning.NETWORKS, planning.fit(room, cost).learners + there))
