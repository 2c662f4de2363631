"""`labkit invite`"""

import shlex
from pathlib import Path

import click

from labkit.cli.output import tell


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--user", default="", metavar="NAME", help="Give the folder to this user of the machine. Needs root.")
def invite(folder: Path, user: str) -> None:
    """Let someone work in this lab as a guest, without your Docker Engine. Their access is written into FOLDER.

    It ends with the lab. Invite again to renew it.

    Example: labkit invite /home/ada/lab --user ada
    """
    from labkit.lab import find
    from labkit.lab.owner import invitation

    folder = folder.absolute()
    lab = find.current()
    _ = lab.engine  # a guest invites nobody
    owner = invitation.invite(lab, folder, user)
    tell(f"{folder} now gives a guest access to {lab.name}, through {owner}.")
    tell(f"{f'As {user}, type' if user else 'The guest types'}:")
    tell(f'  export LABKIT_GUEST={shlex.quote(str(folder))} && eval "$(labkit env)"')
    tell("  labkit check")
