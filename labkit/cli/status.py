"""`labkit status`"""

import sys

import click

from labkit import paths
from labkit import status as room
from labkit.cli.output import json_option, tell_json, tell_lines
from labkit.jupyter import server as jupyter
from labkit.lab.apps import address
from labkit.lab.engine import engines
from labkit.lab.looking import watch


@click.command()
@json_option
def status(as_json: bool) -> None:
    """Show the lab: its machines, registries and services, and JupyterLab's address.

    Example: labkit status --json
    """
    home = paths.home()
    sight = watch.see()
    server = jupyter.running()
    answering = () if sight.lab or home.guest else tuple(engine.url for engine in engines.running(home))
    told = room.of(sight, home.name, server.url if server else "", answering, home.guest, address.read(home))
    tell_json(told.to_json()) if as_json else tell_lines(told.text())
    sys.exit(told.exit_code)
