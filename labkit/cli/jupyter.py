"""`labkit jupyter`"""

import click

from labkit.cli.output import progress, tell
from labkit.jupyter import server
from labkit.lab import find
from labkit.work import files


@click.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=None,
    help="JupyterLab's port. [default: 8888 or the next free one]",
)
@click.option("--stop", is_flag=True, help="End JupyterLab with its kernels and terminals. The lab keeps running.")
def jupyter(port: int | None, stop: bool) -> None:
    """Open JupyterLab for the running lab. `labkit up` does this for the owner; a guest has a JupyterLab of their own.

    Example: labkit jupyter
    """
    if stop:
        server.stop()
        return
    lab = find.current()
    prepared = files.prepare(lab.work, lab.person)
    found = server.running()
    if found is None:
        with progress() as say:
            say("starting JupyterLab")
            found = server.reach(lambda: server.start(lab, port, browser=server.has_screen()), again=port is None)
    for line in prepared.told():
        tell(line)
    tell(f"Your folder: {lab.work}")
    tell(f"JupyterLab: {found.first}")
    tell("To end it: labkit jupyter --stop")
