"""`labkit invite`"""

import shlex
from pathlib import Path

import click

from labkit.cli.output import tell


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--user", default="", metavar="NAME", help="A user of this machine whose folder it is to be; needs root.")
def invite(folder: Path, user: str) -> None:
    """Let somebody work in the lab without the engine that carries it: write an access for a guest into FOLDER.

    Again, it renews the access. It ends with the lab.

    Example: labkit invite /home/ada/lab --user ada
    """
    from labkit.lab import find
    from labkit.lab.owner import invitation

    folder = folder.absolute()
    lab = find.current()
    _ = lab.engine  # a guest invites nobody
    owner = invitation.invite(lab, folder, user)
    tell(f"{folder} opens {lab.name} to a guest, who is answered at {owner}.")
    tell(f"{f'As {user}, type' if user else 'There, type'}:")
    tell(f'  export LABKIT_GUEST={shlex.quote(str(folder))} && eval "$(labkit env)"')
    tell("  labkit check")
