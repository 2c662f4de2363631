"""`labkit image build`, `save` and `load`"""

from pathlib import Path

import click

from labkit import paths
from labkit.cli.output import progress, tell
from labkit.lab.engine import engines, images, recipes


@click.group()
def image() -> None:
    """Build the lab image, or carry the lab to a machine without internet.

    Example: labkit image save lab.tar
    """


@image.command()
def build() -> None:
    """Build the lab image again.

    Example: labkit image build
    """
    with progress() as say:
        built = images.build(engines.ensure(paths.home(), say), say)
    tell(f"Built {built}.")


@image.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--image-only", is_flag=True, help="Without the Python packages, for machines that have a package index.")
@click.option("--standard", is_flag=True, help="Without the images of machines that only some exercises need.")
def save(file: Path, image_only: bool, standard: bool) -> None:
    """Write the lab's images and labkit's Python packages to one file. Images that some exercises need are in it, too.

    Carry it to a machine without internet, with a copy of this folder, and type there: labkit image load FILE

    Example: labkit image save lab.tar
    """
    with progress() as say:
        engine = engines.ensure(paths.home(), say)
        base = images.ensure(engine, say)
        more, missing = ([], []) if standard else recipes.ensure_all(engine, base, say)
        images.save(engine, file, say, packages=not image_only, more=more)
    for one in missing:
        tell(f"! Left out: {one}", err=True)
    tell(f"Wrote {file}. On the other machine: labkit image load {file.name}")


@image.command()
@click.argument("file", type=click.Path(path_type=Path))
def load(file: Path) -> None:
    """Load the lab from a file that `labkit image save` wrote.

    Example: labkit image load lab.tar
    """
    with progress() as say:
        engine = engines.ensure(paths.home(), say)
        say(f"loading the lab image from {file}")
        loaded = images.load(engine, file)
    tell(f"Loaded {', '.join(loaded)}. Next: labkit up")
