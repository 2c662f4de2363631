"""`labkit jupyter`"""

import click

from labkit.cli.output import progress, tell, typed
from labkit.jupyter import server
from labkit.lab import find
from labkit.work import files


@click.command()
@click.option(
    "--port", type=click.IntRange(1, 65535), default=None, help="JupyterLab's port. [default: 8888, or the next free]"
)
@click.option("--stop", is_flag=True, help="End JupyterLab with its kernels and terminals; the lab goes on.")
def jupyter(port: int | None, stop: bool) -> None:
    """Open JupyterLab in the lab that runs. `labkit up` does so for the lab's owner; a guest's is their own.

    Example: labkit jupyter
    """
    if stop:
        server.stop()
        return
    lab = find.current()
    files.prepare(lab.work, lab.person)
    found = server.running()
    if found is None:
        with progress() as say:
            say("starting JupyterLab")
            found = server.reach(lambda: server.start(lab, port, browser=server.has_screen()), again=port is None)
    tell(f"Your folder: {lab.work}")
    tell(f"JupyterLab: {found.url}")
    tell(typed("Ends with: labkit jupyter --stop"))
