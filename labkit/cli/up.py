"""`labkit up`"""

import contextlib
import sys
import time
from datetime import datetime
from functools import partial
from pathlib import Path

import click
import msgspec

from labkit import paths
from labkit.cli.ending import Stopped, stoppable
from labkit.cli.output import Say, Seconds, ask_secret, progress, progress_option, tell
from labkit.edge.facts import registries
from labkit.errors import LabError
from labkit.jupyter import server as jupyter
from labkit.jupyter.server import Server
from labkit.lab import find, limit
from labkit.lab.engine import engines, processes
from labkit.lab.engine.engines import Engine
from labkit.lab.engine.wire import WireError
from labkit.lab.lab import Lab
from labkit.lab.lifecycle import keeper, provision, remove
from labkit.lab.lifecycle.steps import Step, run
from labkit.lab.plan import EXTRAS, Plan
from labkit.paths import Home
from labkit.seen.person import Person
from labkit.work import files
from labkit.work.files import Prepared
from labkit.work.keeping import Unwritable

LIMIT = 8 * 3600.0
"""Seconds after which a lab without a time limit ends."""

STEPS = 3
"""About how many steps an `up` shows."""


@click.command()
@click.option("--detach", is_flag=True, help="Return once the lab is ready. It runs until `down` or its time limit.")
@click.option(
    "--workers",
    type=click.IntRange(1, 5),
    default=2,
    show_default=True,
    envvar="LABKIT_WORKERS",
    help="How many worker machines.",
)
@click.option("--no-jupyter", is_flag=True, help="Start the lab only, without JupyterLab.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=None,
    help="JupyterLab's port. [default: 8888 or the next free one]",
)
@click.option(
    "--time-limit",
    type=Seconds(least=1),
    default=None,
    help="End the lab after this long. On a running lab: from now on. [default: 8h; a running lab keeps its own]",
)
@click.option(
    "--learner",
    default="",
    envvar="LABKIT_LEARNER",
    help="Make a personal lab: user name, version and label come from this name.",
)
@click.option(
    "--workshop",
    default="",
    envvar="LABKIT_WORKSHOP",
    help="With --learner: the workshop's seed. Another seed gives other values.",
)
@click.option(
    "--workshop-key",
    type=click.Path(path_type=Path),
    envvar="LABKIT_WORKSHOP_KEY",
    help="With --learner: the key of a graded workshop, from `labkit workshop new`. It signs what is seen of the lab.",
)
@click.option(
    "--values",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Your values in a workshop, from `labkit classroom join`: the classroom takes what this lab shows.",
)
@click.option(
    "--join",
    "classroom",
    default="",
    metavar="https://HOST:PORT",
    help="Join a classroom first, with a code from your page there: this lab then reports to it.",
)
@click.option(
    "--with",
    "extras",
    multiple=True,
    metavar="NAME",
    shell_complete=lambda *_: sorted(EXTRAS),
    help="Add a part to the standard lab, such as `registry`. You can repeat it.",
)
@progress_option
def up(
    detach: bool,
    workers: int,
    no_jupyter: bool,
    port: int | None,
    time_limit: float | None,
    learner: str,
    workshop: str,
    workshop_key: Path | None,
    values: Path | None,
    classroom: str,
    extras: tuple[str, ...],
    form: str,
) -> None:
    """Start the lab and open JupyterLab. If the lab is already running, check and repair it.

    Without --detach the lab runs until you press Ctrl-C.

    Example: labkit up --detach --time-limit 3h
    """
    home = paths.home()
    if not learner.isprintable():
        raise LabError(
            f"{learner!r} is not a valid learner's name: it has unprintable characters.", "labkit up --learner Ada"
        )
    key, given = _graded(workshop_key, learner, workshop)
    if classroom:
        values = _join(home, classroom, values)
    if values:
        given = _given(values, key or workshop, learner)
        learner = given.learner
    deadline = round(time.time() + (LIMIT if time_limit is None else time_limit))
    start = provision.new_start()
    plan = Plan(home.name, home.work, workers, deadline, learner, workshop, extras, key=key, given=given, start=start)
    opening = None if no_jupyter else _Opening(port, browser=not detach and jupyter.has_screen())
    with stoppable():
        try:
            with progress(form, STEPS) as say:
                lab, prepared = _up(home, plan, opening, time_limit is not None, say)
        except Stopped as stopped:
            tell("✗ Stopped before the lab was ready. Everything this command had made was removed.", err=True)
            sys.exit(stopped.status)
        server = opening.server if opening else None
        with contextlib.suppress(Stopped):
            if form == "text":
                _tell(lab, prepared, server, detach)
            if not detach:
                _until_it_ends(home, server, form)
        if not detach:
            _end(home, lab.plan.start, form)


def _join(home: Home, address: str, values: Path | None) -> Path:
    """Joins the classroom, unless this folder has joined it before. Returns the file with the learner's values. Raises
    LabError."""
    from labkit.classroom import queue

    if values:
        raise LabError("--join brings the values of the workshop.", "leave out --values")
    try:
        known = queue.joined(home.work).address.rstrip("/") == address.rstrip("/")
    except LabError:
        known = False
    if not known:
        joined = queue.join(home.work, address, ask_secret("Code"))
        tell(f"✓ This folder reports to the workshop {joined.workshop}, as {joined.learner}.", err=True)
    return queue.values(home.work)


class _Opening:
    """JupyterLab while it starts. Its process is known from the first moment, so that it can be ended at any moment."""

    def __init__(self, port: int | None, browser: bool) -> None:
        self._port, self._browser = port, browser
        self._pid = 0
        self.begun = False
        self.server: Server | None = None

    def check(self) -> None:
        """Raises LabError if its port is taken."""
        if self._port is not None and jupyter.running() is None:
            jupyter.check_port(self._port)

    def open(self, lab: Lab, say: Say) -> None:
        """Raises LabError."""
        self.server = jupyter.running() or jupyter.reach(partial(self._run, lab, say), again=self._port is None)

    def _run(self, lab: Lab, say: Say) -> int:
        run([Step("JupyterLab", partial(self._start, lab), says="starting JupyterLab")], say)
        return self._pid

    def _start(self, lab: Lab) -> None:
        self.begun = True
        self._pid = jupyter.start(lab, self._port, self._browser)

    def end(self) -> None:
        if self._pid:
            processes.end(self._pid)


def _up(home: Home, plan: Plan, opening: _Opening | None, limited: bool, say: Say) -> tuple[Lab, Prepared]:
    """The lab, ready, with its keeper, the learner's folder and JupyterLab. With `limited`, a running lab gets the plan's
    time limit. Raises LabError. When stopped, it leaves the lab that was up before, or nothing, and raises Stopped."""
    with provision.lock(home, say):
        try:
            return _made(home, plan, opening, limited, say)
        except Stopped:
            say("stopped: removing what was made")
            end = opening.end if opening and opening.begun else None  # one that was open before goes on
            if end:
                end()
            remove.locked(home, say, stop=end, start=plan.start)
            raise


def _made(home: Home, plan: Plan, opening: _Opening | None, limited: bool, say: Say) -> tuple[Lab, Prepared]:
    if opening:
        opening.check()
    engine = engines.ensure(home, say)
    there = find.on(engine, home)
    if there is None:  # before there is a lab that is bound to this folder
        prepared = files.prepare(home.work, plan.person)
    try:
        lab = provision.up(engine, home, plan, say)
    except Unwritable:
        # The advice is to take another folder: nothing may be bound to this one.
        remove.locked(home, say, start=plan.start)
        raise
    except LabError:
        _keep(engine, home)
        raise
    if limited and lab.plan.deadline != plan.deadline:
        lab = limit.change(lab, plan.deadline)
    run([Step("keeper", partial(keeper.start, lab))], say)
    if there:
        prepared = files.prepare(lab.work, lab.person, up=True)
    if opening:
        opening.open(lab, say)
    return lab, prepared


def _keep(engine: Engine, home: Home) -> None:
    """Enforces the time limit of a lab that could not be completed."""
    with contextlib.suppress(LabError, WireError):
        lab = find.on(engine, home)
        if lab and home.state.is_dir():
            keeper.start(lab)


def _end(home: Home, start: str, form: str) -> None:
    """Ends the lab of that start, like `down`. If another one has been started since, that one is left alone."""
    with progress(form, STEPS) as say:
        gone = remove.everything(home, say, stop=jupyter.stop, start=start)
    if form == "text":
        tell("The lab is gone." if gone else "This lab ended earlier. To see whether another is up: labkit status")


def _given(file: Path, other: str, learner: str) -> Person:
    """The values that a classroom wrote. Raises LabError where others are asked for too."""
    try:
        found = msgspec.json.decode(file.read_bytes(), type=Person)
    except msgspec.MsgspecError as error:
        raise LabError(
            f"{file} has no values of a workshop.", "labkit classroom join ADDRESS   (writes them)"
        ) from error
    if not found.learner:
        raise LabError(f"{file} names no learner.", "labkit classroom join ADDRESS   (writes it)")
    if other or learner not in ("", found.learner):
        raise LabError("--values says whose lab it is, and from which workshop.", f"labkit up --values {file}")
    return found


def _graded(file: Path | None, learner: str, seed: str) -> tuple[str, Person | None]:
    """The key's file, and the learner's values that come from it. Raises LabError."""
    if file is None:
        return "", None
    from labkit.lab.owner import workshop

    if seed or not learner:
        raise LabError(
            "A lab of a graded workshop needs a learner's name and no seed: its values come from the key.",
            f"labkit up --learner NAME --workshop-key {file}",
        )
    return str(file.absolute()), workshop.read(file).person(learner)


def _tell(lab: Lab, prepared: Prepared, server: Server | None, detach: bool) -> None:
    machines = ", ".join(part.machine for part in lab.nodes)
    titles = ", ".join(registry.title for registry in registries().values() if registry.standard)
    tell(f"The lab is up: {machines}, and stand-ins for {titles}.")
    if lab.person.learner:
        tell(
            f"It is {lab.person.learner}'s: user {lab.person.username}, password mypassword, tag {lab.person.version}."
        )
    for line in prepared.told():
        tell(line)
    tell(f"Your folder: {lab.work}")
    if server:
        tell(f"JupyterLab: {server.first}")
    if lab.plan.deadline:
        tell(f"The lab ends by itself at {datetime.fromtimestamp(lab.plan.deadline).astimezone():%H:%M on %d %B}.")
    if detach:
        tell('To use docker in this shell: eval "$(labkit env)"   To end the lab: labkit down')
    else:
        tell("Press Ctrl-C to end the lab. Your folder stays.")


def _until_it_ends(home: Home, server: Server | None, form: str) -> None:
    """Waits until JupyterLab ends, or without one, until the lab's time ends, and says so. Ctrl-C, SIGTERM and SIGHUP raise
    Stopped."""
    told = form != "text"
    while server is None or processes.alive(server.pid):
        ended = limit.ended(home)
        if ended and server is None:
            return
        if ended and not told:
            told = True
            tell(f"{limit.told(ended)} Start it again in JupyterLab, or press Ctrl-C to end that too.")
        time.sleep(0.5)
