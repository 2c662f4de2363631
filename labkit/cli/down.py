"""`labkit down`"""

import click

from labkit import paths
from labkit.cli.output import progress, progress_option, tell
from labkit.jupyter import server as jupyter
from labkit.lab.lifecycle import remove

STEPS = 2
"""About how many steps a `down` shows."""


@click.command()
@click.option(
    "--purge", is_flag=True, help="Also remove the lab image, and the data of the lab's own engine if it has one."
)
@click.option("--keep-jupyter", is_flag=True, help="Leave JupyterLab running. Its panel can start the lab again.")
@progress_option
def down(purge: bool, keep_jupyter: bool, form: str) -> None:
    """End the lab: machines, networks, volumes, keys and JupyterLab. Your folder and your attempts stay.

    Example: labkit down
    """
    with progress(form, STEPS) as say:
        gone = remove.everything(paths.home(), say, purge, None if keep_jupyter else jupyter.stop)
    if form == "text":
        tell("The lab is gone." if gone else "There was no lab.")
