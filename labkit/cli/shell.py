"""`labkit env` and `labkit shell`"""

import os
import sys

import click

from labkit.cli.complete import MachineName
from labkit.lab import environment, find
from labkit.lab.access import Terminal


@click.command()
@click.argument("node", default="workstation", type=MachineName())
def env(node: str) -> None:
    """Print shell lines that connect plain `docker …` to a machine of the lab, by default the workstation.

    Example: eval "$(labkit env)"
    """
    click.echo(environment.shell_lines(find.current(), node), nl=False)


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("node", type=MachineName())
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def shell(node: str, command: tuple[str, ...]) -> None:
    """Open a shell on a machine of the lab, or run a command on it.

    There you have aws, and the lab's stand-ins for az and gcloud.

    Example: labkit shell worker1
    """
    from labkit.cli import terminal

    lab = find.current()
    on_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    wanted = None
    if on_terminal:
        columns, rows = os.get_terminal_size()
        wanted = Terminal(rows, columns, os.environ.get("TERM", "xterm"))
    words = command or (("bash", "-i") if on_terminal else ("bash",))
    sys.exit(terminal.attach(lab.access.session(lab, node, words, wanted), on_terminal))
