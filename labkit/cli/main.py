"""The `labkit` command. Exit status: 0 done, 1 not yet, 2 something broke, 130 stopped with Ctrl-C."""

import errno
import importlib
import signal
import sys
from typing import Any

import click

from labkit import __version__, paths
from labkit.cli.output import complain
from labkit.errors import LabError, nearest

COMMANDS = {
    "answer": "learn",
    "check": "check",
    "doctor": "doctor",
    "down": "down",
    "env": "shell",
    "explain": "learn",
    "hint": "learn",
    "image": "image",
    "invite": "invite",
    "jupyter": "jupyter",
    "new": "author",
    "notebooks": "author",
    "observe": "check",
    "reset": "solve",
    "shell": "shell",
    "solve": "solve",
    "status": "status",
    "up": "up",
    "verify": "author",
    "workshop": "workshop",
}
"""Each command and the module beside this one that has it, imported only when that command is asked for."""

UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}
"""What a disk that is full, or somebody else's, answers. Who knows more tells more before it comes here."""

OWNERS = {"down", "image", "invite", "up", "verify"}
"""What only a lab's owner can do."""


class Door(click.Group):
    """Finds the commands, and tells every foreseeable error in one clear sentence with the next command."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in COMMANDS:
            command: click.Command = getattr(importlib.import_module(f"labkit.cli.{COMMANDS[name]}"), name)
            return command
        if ctx.resilient_parsing:
            return None
        raise LabError(f"labkit has no command {name!r}: {nearest(name, self.list_commands(ctx))}", "labkit --help")

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        found = super().resolve_command(ctx, args)
        if found[0] in OWNERS and paths.home().guest:
            raise LabError(
                f"labkit {found[0]} is for the lab's owner; you are a guest of the lab.",
                "open a new shell without LABKIT_GUEST for a lab of your own",
            )
        return found

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LabError as error:
            complain(error)
            ctx.exit(2)
        except OSError as error:
            if error.errno not in UNWRITABLE:
                raise
            what = f"{error.filename or 'A file'} could not be written: {error.strerror}."
            complain(LabError(what, "make room there, or see who may write it"))
            ctx.exit(2)
        except KeyboardInterrupt:  # click would say "Aborted!" and exit with 1, which means "not yet"
            ctx.exit(128 + signal.SIGINT)


@click.group(cls=Door, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="labkit")
def cli() -> None:
    """Registry Lab: learn Docker registries in CI/CD, against a real registry and a real Swarm on your own machine.

    \b
    Example: labkit up --detach && eval "$(labkit env)"
             docker login -u myusername -p mypassword
             labkit check 01-login
    """


def main() -> None:
    try:
        cli(standalone_mode=True)
    except LabError as error:  # raised before a command was found
        complain(error)
        sys.exit(2)
