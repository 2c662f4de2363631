"""The `labkit` command. Exit status: 0 done, 1 not yet, 2 something broke, 130 stopped with Ctrl-C."""

import errno
import importlib
import signal
import sys
from typing import Any

import click

from labkit import __version__, paths
from labkit.cli.commands import COMMANDS, GROUPS, OWNERS, VARIABLE
from labkit.cli.output import command, complain, typed
from labkit.errors import LabError, nearest

UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}
"""The errors of a disk that is full, or that belongs to somebody else. Code that knows more says more before it comes here."""


class Door(click.Group):
    """Finds the commands, shows them by group, and reports every foreseeable error in a sentence with the next command."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in COMMANDS:
            found: click.Command = getattr(importlib.import_module(f"labkit.cli.{COMMANDS[name]}"), name)
            return named(found)
        if ctx.resilient_parsing:
            return None
        raise LabError(f"There is no command {name!r}: {nearest(name, self.list_commands(ctx))}", "labkit --help")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, group in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name, says) for name, (_, says) in group.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        found = super().resolve_command(ctx, args)
        if found[0] in OWNERS and paths.home().guest and not ctx.resilient_parsing:
            raise LabError(
                f"labkit {found[0]} is for the lab's owner, and you are a guest.",
                "for a lab of your own, open a new shell without LABKIT_GUEST",
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
            complain(LabError(what, "free some space, or check the permissions"))
            ctx.exit(2)
        except Exception as error:
            from labkit.lab.engine.wire import WireError  # loads http.client, which `--help` has no use for

            if not isinstance(error, WireError):
                raise
            complain(LabError(f"A part of the lab stopped answering: {error}.", "labkit status   (then try again)"))
            ctx.exit(2)
        except KeyboardInterrupt:  # click would say "Aborted!" and exit with 1, which means "not yet"
            ctx.exit(128 + signal.SIGINT)


def named(found: click.Command) -> click.Command:
    """The command, with help that names it as this person types it."""
    found.help = typed(found.help or "")
    for option in found.params:
        if isinstance(option, click.Option) and option.help:
            option.help = typed(option.help)
    for inner in found.commands.values() if isinstance(found, click.Group) else ():
        named(inner)
    return found


@click.group(cls=Door, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="labkit")
def cli() -> None:
    """Registry Lab: learn Docker registries in CI/CD with a real registry and a real Swarm, on your own machine.

    \b
    Example: labkit up --detach && eval "$(labkit env)"
             docker login -u myusername -p mypassword
             labkit check 01-login
    """


named(cli)


def main() -> None:
    try:
        cli(prog_name=command(), complete_var=VARIABLE, standalone_mode=True)
    except LabError as error:  # raised before a command was found
        complain(error)
        sys.exit(2)
