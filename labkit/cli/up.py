"""`labkit up`"""

import signal
import threading
import time
from pathlib import Path

import click

from labkit import paths
from labkit.cli.down import end
from labkit.cli.output import Seconds, progress, progress_option, tell, typed
from labkit.edge.policy import policies
from labkit.errors import LabError
from labkit.jupyter import server as jupyter
from labkit.jupyter.server import Server
from labkit.lab.engine import engines, processes
from labkit.lab.lab import Lab
from labkit.lab.lifecycle import keeper, provision
from labkit.lab.plan import Plan
from labkit.seen.person import Person
from labkit.work import files

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
    plan = Plan(home.name, home.work, workers, deadline, learner, workshop, extras, key=key, given=given)
    with progress(form, STEPS) as say:
        if port is not None and not no_jupyter and jupyter.running() is None:
            jupyter.check_port(port)
        with provision.lock(home, say):
            lab = provision.up(engines.ensure(home, say), home, plan, say)
            files.prepare(lab.work, lab.person)
            keeper.start(lab)
            server = None if no_jupyter else jupyter.running()
            if server is None and not no_jupyter:
                say("starting JupyterLab")
                server = jupyter.wait(jupyter.start(lab, port, browser=not detach and jupyter.has_screen()))
    if form == "text":
        _tell(lab, server, detach)
    if not detach:
        _until_stopped(server.pid if server else None)
        end(form)


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


def _until_stopped(jupyter_pid: int | None) -> None:
    """Waits for Ctrl-C, a hang-up, or JupyterLab's own end."""
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: over.set())
    while not over.wait(0.5):
        if jupyter_pid and not processes.alive(jupyter_pid):
            break
