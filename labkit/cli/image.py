"""`labkit image build`, `save` and `load`"""

from pathlib import Path

import click

from labkit import paths
from labkit.cli.output import progress, tell
from labkit.lab.engine import engines, images


@click.group()
def image() -> None:
    """The lab image: build it, or carry it to a machine without internet.

    Example: labkit image save lab.tar
    """


@image.command()
def build() -> None:
    """Build the lab image, even where it is there.

    Example: labkit image build
    """
    with progress() as say:
        built = images.build(engines.ensure(paths.home(), say), say)
    tell(built)


@image.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def save(file: Path) -> None:
    """Write the lab image to a file.

    Example: labkit image save lab.tar
    """
    with progress() as say:
        images.save(engines.ensure(paths.home(), say), file, say)
    tell(file)


@image.command()
@click.argument("file", type=click.Path(path_type=Path))
def load(file: Path) -> None:
    """Read the lab image from a file.

    Example: labkit image load lab.tar
    """
    with progress() as say:
        loaded = images.load(engines.ensure(paths.home(), say), file)
    tell(loaded)
