"""The parts of `labkit classroom` that are about labs: `capacity` and `labs`."""

import sys
from typing import TYPE_CHECKING, Any

import click

from labkit import paths
from labkit.cli.output import json_option, progress, tell, tell_json

if TYPE_CHECKING:
    from labkit.classroom.broker.capacity import Measured
    from labkit.classroom.broker.planning import Fit, Room

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
