"""`labkit env` and `labkit shell`"""

import os
import sys

import click

from labkit.lab import environment, find
from labkit.lab.access import Terminal


@click.command()
@click.argument("node", default="workstation")
def env(node: str) -> None:
    """Print shell lines that make plain `docker …` speak to the lab.

    Example: eval "$(labkit env)"
    """
    click.echo(environment.shell_lines(find.current(), node), nl=False)


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("node")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def shell(node: str, command: tuple[str, ...]) -> None:
    """Open a shell on a machine of the lab, or run a command there.

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
