"""`labkit env` and `labkit shell`"""

import os
import sys

import click

from labkit.errors import LabError, nearest
from labkit.lab import environment, find


@click.command()
@click.argument("node", default="workstation")
def env(node: str) -> None:
    """Print shell lines that make plain `docker …` speak to the lab.

    Example: eval "$(labkit env)"
    """
    click.echo(environment.shell_lines(find.current(), node), nl=False)


@click.command()
@click.argument("node")
def shell(node: str) -> None:
    """Open a shell on a machine of the lab.

    Example: labkit shell worker1
    """
    lab = find.current()
    part = lab.parts.get(node)
    if part is None:
        raise LabError(f"The lab has no machine {node!r}: {nearest(node, sorted(lab.parts))}", "labkit shell worker1")
    if part.state != "running":
        raise LabError(f"The machine {node} is not running.", "labkit up   (it repairs the lab)")
    tty = ["-t"] if sys.stdin.isatty() else []
    command = ["docker", "-H", lab.engine.url, "exec", "-i", *tty, part.id, "bash", *(["-i"] if tty else [])]
    variables = {key: value for key, value in os.environ.items() if key not in ("DOCKER_CONTEXT", "DOCKER_HOST")}
    try:
        os.execvpe(command[0], command, variables)
    except FileNotFoundError:
        raise LabError("The docker command is missing.", "apt-get install docker.io   (or docker-cli)") from None
