"""`labkit up`"""

import contextlib
import sys
import time
from functools import partial
from pathlib import Path

import click

from labkit import paths
from labkit.cli.ending import Stopped, stoppable
from labkit.cli.output import Say, Seconds, progress, progress_option, tell, typed
from labkit.edge.policy import policies
from labkit.errors import LabError
from labkit.jupyter import server as jupyter
from labkit.jupyter.server import Server
from labkit.lab import find
from labkit.lab.engine import engines, processes
from labkit.lab.engine.engines import Engine
from labkit.lab.engine.wire import WireError
from labkit.lab.lab import Lab
from labkit.lab.lifecycle import keeper, provision, remove
from labkit.lab.lifecycle.steps import Step, run
from labkit.lab.plan import Plan
from labkit.paths import Home
from labkit.seen.person import Person
from labkit.work import files
from labkit.work.keeping import Unwritable

STEPS = 3
"""About how many steps an `up` tells of."""


@click.command()
@click.option("--detach", is_flag=True, help="Return when the lab is ready; it runs on until `down` or its time limit.")
@click.option(
    "--workers",
    type=click.IntRange(1, 5),
    default=2,
    show_default=True,
    envvar="LABKIT_WORKERS",
    help="How many other machines.",
)
@click.option("--no-jupyter", is_flag=True, help="Only the lab, without JupyterLab.")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=None, help="JupyterLab's port. [default: 8888, or the next free]"
)
@click.option(
    "--time-limit", type=Seconds(), default="8h", show_default=True, help="After this long the lab ends by itself."
)
@click.option(
    "--learner",
    default="",
    envvar="LABKIT_LEARNER",
    help="A personal lab: names, version and a mark derived from this name.",
)
@click.option(
    "--workshop",
    default="",
    envvar="LABKIT_WORKSHOP",
    help="The workshop's seed, which the values of a personal lab depend on too.",
)
@click.option(
    "--workshop-key",
    type=click.Path(path_type=Path),
    envvar="LABKIT_WORKSHOP_KEY",
    help="With --learner: the key of a graded workshop, as `labkit workshop new` made it. It signs what is seen of the lab.",
)
@click.option(
    "--with",
    "extras",
    multiple=True,
    metavar="NAME",
    help="A part beyond the standard lab, such as registry. May be given again.",
)
@progress_option
def up(
    detach: bool,
    workers: int,
    no_jupyter: bool,
    port: int | None,
    time_limit: float,
    learner: str,
    workshop: str,
    workshop_key: Path | None,
    extras: tuple[str, ...],
    form: str,
) -> None:
    """Start the lab, or find and repair the one that runs, and open JupyterLab.

    Without --detach it ends with this command: Ctrl-C.

    Example: labkit up --detach --time-limit 3h
    """
    home = paths.home()
    if not learner.isprintable():
        raise LabError(
            f"{learner!r} is no name for a learner: it holds what cannot be printed.", "labkit up --learner Ada"
        )
    key, given = _graded(workshop_key, learner, workshop)
    deadline = round(time.time() + time_limit)
    start = provision.new_start()
    plan = Plan(home.name, home.work, workers, deadline, learner, workshop, extras, key=key, given=given, start=start)
    opening = None if no_jupyter else _Opening(port, browser=not detach and jupyter.has_screen())
    with stoppable():
        try:
            with progress(form, STEPS) as say:
                lab = _up(home, plan, opening, say)
        except Stopped as stopped:
            tell("✗ Stopped before the lab was ready. What this command had made is gone.", err=True)
            sys.exit(stopped.status)
        server = opening.server if opening else None
        with contextlib.suppress(Stopped):
            if form == "text":
                _tell(lab, server, detach)
            if not detach:
                _until_it_ends(server)
        if not detach:
            _end(home, lab.plan.start, form)


class _Opening:
    """JupyterLab, as it is opened. Its process is known from its first moment on, so that it can be ended at any."""

    def __init__(self, port: int | None, browser: bool) -> None:
        self._port, self._browser = port, browser
        self._pid = 0
        self.begun = False
        self.server: Server | None = None

    def check(self) -> None:
        """Raises LabError where its port is taken."""
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


def _up(home: Home, plan: Plan, opening: _Opening | None, say: Say) -> Lab:
    """The lab, ready, with its keeper, the learner's folder and JupyterLab. Raises LabError. Stopped, it leaves the lab that
    was up before, or nothing, and raises Stopped."""
    with provision.lock(home, say):
        try:
            return _made(home, plan, opening, say)
        except Stopped:
            say("stopped: putting away what was made")
            end = opening.end if opening and opening.begun else None  # one that was open before goes on
            if end:
                end()
            remove.locked(home, say, stop=end, start=plan.start)
            raise


def _made(home: Home, plan: Plan, opening: _Opening | None, say: Say) -> Lab:
    if opening:
        opening.check()
    engine = engines.ensure(home, say)
    there = find.on(engine, home)
    if there is None:  # before there is a lab that is bound to this folder
        files.prepare(home.work, plan.person)
    try:
        lab = provision.up(engine, home, plan, say)
    except Unwritable:
        # The advice is to take another folder: nothing may be bound to this one.
        remove.locked(home, say, start=plan.start)
        raise
    except LabError:
        _keep(engine, home)
        raise
    run([Step("keeper", partial(keeper.start, lab))], say)
    if there:
        files.prepare(lab.work, lab.person, up=True)
    if opening:
        opening.open(lab, say)
    return lab


def _keep(engine: Engine, home: Home) -> None:
    """Has the time limit kept of what could not be made whole."""
    with contextlib.suppress(LabError, WireError):
        lab = find.on(engine, home)
        if lab and home.state.is_dir():
            keeper.start(lab)


def _end(home: Home, start: str, form: str) -> None:
    """Ends the lab of that start, as `down` does; where another one is there by now, that is left alone."""
    with progress(form, STEPS) as say:
        gone = remove.everything(home, say, stop=jupyter.stop, start=start)
    if form == "text":
        tell(typed("The lab is gone." if gone else "This lab has ended before. Whether another is up: labkit status"))


def _graded(file: Path | None, learner: str, seed: str) -> tuple[str, Person | None]:
    """The key's file, and the learner's values by it. Raises LabError."""
    if file is None:
        return "", None
    from labkit.lab.owner import workshop

    if seed or not learner:
        raise LabError(
            "A graded workshop's lab is a learner's, and its values come from the key alone, not from a seed.",
            f"labkit up --learner NAME --workshop-key {file}",
        )
    return str(file.absolute()), workshop.read(file).person(learner)


def _tell(lab: Lab, server: Server | None, detach: bool) -> None:
    machines = ", ".join(part.machine for part in lab.nodes)
    titles = ", ".join(policy.title for policy in policies().values())
    tell(f"The lab is up: {machines}; stand-ins for {titles}.")
    if lab.person.learner:
        tell(
            f"It is {lab.person.learner}'s: user {lab.person.username}, password mypassword, tag {lab.person.version}."
        )
    tell(f"Your folder: {lab.work}")
    if server:
        tell(f"JupyterLab: {server.url}")
    if detach:
        tell(typed('In this shell: eval "$(labkit env)"   Ends with: labkit down'))
    else:
        tell("Ctrl-C ends the lab. Your folder stays.")


def _until_it_ends(server: Server | None) -> None:
    """Waits for JupyterLab's own end. Ctrl-C, a request to end and a hang-up raise Stopped."""
    while server is None or processes.alive(server.pid):
        time.sleep(0.5)
