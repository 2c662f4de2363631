"""`labkit workshop`"""

from pathlib import Path

import click

from labkit.cli.output import tell


@click.group()
def workshop() -> None:
    """Create the key of a graded workshop. It signs what the lab shows, so that nobody can forge it.

    Example: labkit workshop new spring.key
    """


@workshop.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--name", default="", help="The workshop's name, for reports. [default: the file's]")
def new(file: Path, name: str) -> None:
    """Create a workshop's key. Keep FILE to yourself; give FILE.pub to anyone who grades.

    Example: labkit workshop new spring.key --name "Spring 2027"
    """
    from labkit.lab.owner import workshop as keys

    public = keys.new(file, name or file.stem)
    tell(f"{file} is the key: keep it away from learners and out of repositories. {public} checks what it signs.")
    tell(f"A learner's lab: labkit up --learner NAME --workshop-key {file}")
    tell(f"Grading: labkit check --observation FILE --learner NAME --signed-by {public}")
