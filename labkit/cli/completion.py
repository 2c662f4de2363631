"""`labkit completion`"""

import os
import sys
from pathlib import Path

import click

from labkit.cli.commands import VARIABLE
from labkit.cli.output import command
from labkit.errors import LabError

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", required=False, type=click.Choice(SHELLS))
def completion(shell: str | None) -> None:
    """Print lines that make Tab complete commands, exercises and checks in your shell.

    SHELL is bash, zsh or fish; by default your login shell.

    Example: eval "$(labkit completion bash)"
    """
    from click.shell_completion import get_completion_class

    shell = shell or Path(os.environ.get("SHELL", "")).name
    found = get_completion_class(shell) if shell in SHELLS else None
    if found is None:
        raise LabError(f"There is no completion for the shell {shell!r}.", "labkit completion bash")
    name = Path(command()).name
    if shell != "bash" and name != "labkit":  # they look for a command on the path; bash takes ./lab as it is typed
        raise LabError(
            f"{shell} completes only commands on your PATH, such as labkit.",
            f'export PATH="{Path(sys.executable).parent}:$PATH"; eval "$(labkit completion {shell})"',
        )
    root = click.get_current_context().find_root().command
    click.echo(found(root, {}, name, VARIABLE).source())
