"""`labkit verify`, `labkit new` and `labkit notebooks`"""

import shlex
import sys
from pathlib import Path

import click

from labkit.authoring import course
from labkit.authoring import new as templates
from labkit.authoring import notebooks as books
from labkit.authoring.verify import verify as proofs
from labkit.cli.complete import ExerciseName
from labkit.cli.output import tell
from labkit.content import exercises
from labkit.lab import find


@click.command()
@click.argument("exercise", nargs=-1, type=ExerciseName())
def verify(exercise: tuple[str, ...]) -> None:
    """Prove on the running lab that exercises grade as they should.

    Unsolved they fail, solved they pass, and each wrong way gets its diagnosis. This clears the lab.

    Example: labkit verify 03-push 04-pull
    """
    chosen = exercises.chosen(exercise)
    failed = 0
    for proof in proofs(find.current(), chosen):
        failed += bool(proof.problem)
        tell(proof.line())
    sys.exit(1 if failed else 0)


@click.command()
@click.argument("slug")
def new(slug: str) -> None:
    """Start a new exercise from a template that `labkit verify` accepts.

    Where labkit was installed without its repository, this first copies the course to the folder `course` here.

    Example: labkit new 07-clean
    """
    copy = course.own(Path.cwd())
    for path in templates.new(slug):
        tell(f"Wrote {path}")
    if copy:
        tell("Your copy of the course is used wherever you type:")
        tell(f"  export LABKIT_COURSE={shlex.quote(str(copy))}")
    tell(f"Next: edit these files, then labkit verify {slug} && labkit notebooks")


@click.command()
def notebooks() -> None:
    """Build the notebooks from the lessons.

    Example: labkit notebooks
    """
    course.check()
    books.write(tell)
