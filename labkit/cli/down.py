"""`labkit down`"""

import click

from labkit import paths
from labkit.cli.output import progress, progress_option, tell
from labkit.jupyter import server as jupyter
from labkit.lab.lifecycle import remove

STEPS = 2
"""About how many steps a `down` tells of."""


@click.command()
@click.option("--purge", is_flag=True, help="Remove the lab image too, and the data of an engine of the lab's own.")
@click.option("--keep-jupyter", is_flag=True, help="Leave JupyterLab running; its panels offer to start the lab again.")
@click.option("--start", hidden=True, default=None, help="Only the lab of this start: for the keeper.")
@progress_option
def down(purge: bool, keep_jupyter: bool, start: str | None, form: str) -> None:
    """End the lab: machines, networks, volumes, keys, JupyterLab. Your folder and your attempts stay.

    Example: labkit down
    """
    with progress(form, STEPS) as say:
        gone = remove.everything(paths.home(), say, purge, None if keep_jupyter else jupyter.stop, start)
    if form == "text":
        tell("The lab is gone." if gone else "There was no lab.")
